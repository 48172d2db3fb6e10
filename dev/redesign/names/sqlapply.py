import re,sys,shutil
from pathlib import Path
N=Path('names'); OUT=N/'.sqlcopy'; SRC=Path('t/core/wms_core/postgres')
shutil.rmtree(OUT,ignore_errors=True); OUT.mkdir()
for d in('definitions','migrations','sql'): shutil.copytree(SRC/d,OUT/d)
warn=[]
TOK=re.compile(r"--[^\n]*|'(?:[^']|'')*'|\"[^\"]*\"",re.S)
def sub(text,old,new,call=False,literals=False):
    n=0; out=[]; pos=0
    pat=re.compile(r'(?<![\w.$])'+re.escape(old)+r'(?!\w)'+(r'(?=\()' if call else '')) if False else re.compile(r'(?<!\w)'+re.escape(old)+r'(?!\w)'+(r'(?=\s*\()' if call else ''))
    def code(s):
        nonlocal n
        s,k=pat.subn(new,s); n+=k; return s
    for m in TOK.finditer(text):
        # code up to it (need lookahead context only for call, fine)
        out.append(code(text[pos:m.start()])); t=m.group()
        if literals and t=="'%s'"%old: t="'%s'"%new; n+=1
        out.append(t); pos=m.end()
    out.append(code(text[pos:])); return ''.join(out),n
for line in (N/'sql.edits.txt').read_text().splitlines():
    if line.startswith('#') or not line: continue
    p,o,nw=line.split('\t')
    if not p.startswith('core/'): continue
    f=OUT/Path(p).relative_to('core/wms_core/postgres'); s=f.read_text()
    if o not in s: warn.append(f'edit not found: {line}')
    f.write_text(s.replace(o,nw))
lines=[l.split('#')[0].split() for l in (N/'sql.txt').read_text().splitlines()]; lines=[l for l in lines if l]
names={}
def statement_span(f,st):
    s=f.read_text()
    if f.parent.name=='functions': return 0,len(s)
    m=re.search(r'^-- name: %s$'%re.escape(st),s,re.M)
    if not m: return None
    e=re.search(r'^-- name: ',s[m.end():],re.M)
    return m.end(),(m.end()+e.start() if e else len(s))
seen=set()
for l in lines:
    if tuple(l) in seen: warn.append(f'twice {l}')
    seen.add(tuple(l))
for l in lines:
    if l[0]=='cte':
        _,file,st,o,nw=l; f=OUT/('definitions/'+file+'.sql' if file.startswith('functions/') else f'sql/{file}.sql')
        sp=statement_span(f,st)
        if not sp: warn.append(f'no statement {l}'); continue
        s=f.read_text(); body=s[sp[0]:sp[1]]
        if re.search(r'(?<!\w)'+nw+r'(?!\w)',TOK.sub(' ',body)): warn.append(f'new already there {l}')
        t,n=sub(body,o,nw)
        if not n: warn.append(f'not found {l}')
        f.write_text(s[:sp[0]]+t+s[sp[1]:])
    elif l[0]=='variable':
        _,file,o,nw=l; f=OUT/f'definitions/{file}.sql'; s=f.read_text()
        if re.search(r'(?<!\w)'+nw+r'(?!\w)',TOK.sub(' ',s)): warn.append(f'new already there {l}')
        t,n=sub(s,o,nw)
        if not n: warn.append(f'not found {l}')
        f.write_text(t)
allsql=sorted(OUT.rglob('*.sql'))
for l in lines:
    if l[0]=='statement':
        _,store,o,nw=l; f=OUT/f'sql/{store}.sql'; s=f.read_text()
        if f'-- name: {nw}\n' in s: warn.append(f'statement exists {l}')
        t,n=re.subn(r'^-- name: %s$'%o,f'-- name: {nw}',s,flags=re.M)
        if n!=1: warn.append(f'{n} x {l}')
        f.write_text(t)
for l in lines:
    if l[0]=='column':
        o,nw=l[2:]; n=0
        if (o,nw) in names: continue
        names[(o,nw)]=1
        for f in allsql:
            if o=='place' and f.name!='carrier_documents.sql': continue
            t,k=sub(f.read_text(),o,nw); n+=k; f.write_text(t)
        if not n: warn.append(f'not found {l}')
for l in lines:
    if l[0] in('function','view','trigger','constraint','index'):
        o,nw=l[1:]; n=0
        for f in allsql:
            if l[0] in('index','constraint','trigger') and f.parent.name=='sql': continue
            s=f.read_text()
            if re.search(r'(?<!\w)'+nw+r'(?!\w)',TOK.sub(' ',s)): warn.append(f'new already there {l} {f.name}')
            t,k=sub(s,o,nw,call=l[0]=='function',literals=l[0]=='constraint'); n+=k; f.write_text(t)
        if not n: warn.append(f'not found {l}')
        print(*l,n) if '-v' in sys.argv else None
print('\n'.join(warn)); print(len(lines),'lines')
