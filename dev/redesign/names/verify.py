"""Expand the tables, apply them in memory, check each line."""
import ast,sys,builtins,importlib.util
from pathlib import Path
from collections import defaultdict
ROOT=Path('t'); N=Path('names')
sys.path.insert(0,str(N)); 
spec=importlib.util.spec_from_file_location('l',N/'.list.py'); L=importlib.util.module_from_spec(spec); spec.loader.exec_module(L)
src=(Path('lsp_rename.py').read_text()).rsplit('\nmain()',1)[0]
ns={'__name__':'x'}; exec(compile(src,'lsp','exec'),ns); find=ns['find']
class Scope:
    def __init__(s,node,parent,kind): s.node=node; s.parent=parent; s.kind=kind; s.b=defaultdict(list); s.u=defaultdict(list); s.children=[]; s.nl=set(); parent and parent.children.append(s)
def build(tree):
    top=Scope(tree,None,'module')
    def bind(sc,name,pos): sc.b[name].append(pos)
    def visit(n,sc):
        if isinstance(n,(ast.FunctionDef,ast.AsyncFunctionDef)):
            bind(sc,n.name,('def',n))
            for d in n.decorator_list: visit(d,sc)
            a=n.args
            for d in a.defaults+[x for x in a.kw_defaults if x]: visit(d,sc)
            for x in a.posonlyargs+a.args+a.kwonlyargs+[y for y in (a.vararg,a.kwarg) if y]:
                if x.annotation: visit(x.annotation,sc)
            if n.returns: visit(n.returns,sc)
            f=Scope(n,sc,'func')
            for x in a.posonlyargs+a.args+a.kwonlyargs+[y for y in (a.vararg,a.kwarg) if y]: bind(f,x.arg,('n',x.lineno,x.col_offset))
            for c in n.body: visit(c,f)
        elif isinstance(n,ast.Lambda):
            f=Scope(n,sc,'func'); a=n.args
            for d in a.defaults+[x for x in a.kw_defaults if x]: visit(d,sc)
            for x in a.posonlyargs+a.args+a.kwonlyargs+[y for y in (a.vararg,a.kwarg) if y]: bind(f,x.arg,('n',x.lineno,x.col_offset))
            visit(n.body,f)
        elif isinstance(n,ast.ClassDef):
            bind(sc,n.name,('def',n))
            for d in n.decorator_list+n.bases+[k.value for k in n.keywords]: visit(d,sc)
            c=Scope(n,sc,'class')
            for x in n.body: visit(x,c)
        elif isinstance(n,(ast.ListComp,ast.SetComp,ast.DictComp,ast.GeneratorExp)):
            f=Scope(n,sc,'comp')
            for i,g in enumerate(n.generators):
                visit(g.iter,sc if i==0 else f); visit(g.target,f)
                for c in g.ifs: visit(c,f)
            for x in ([n.key,n.value] if isinstance(n,ast.DictComp) else [n.elt]): visit(x,f)
        elif isinstance(n,ast.NamedExpr):
            t=sc
            while t.kind=='comp': t=t.parent
            bind(t,n.target.id,('n',n.target.lineno,n.target.col_offset)); visit(n.value,sc)
        elif isinstance(n,ast.Name):
            if isinstance(n.ctx,ast.Load): sc.u[n.id].append(('n',n.lineno,n.col_offset))
            else: bind(sc,n.id,('n',n.lineno,n.col_offset))
        elif isinstance(n,ast.ExceptHandler):
            if n.name: bind(sc,n.name,('exc',n))
            for c in ast.iter_child_nodes(n): visit(c,sc)
        elif isinstance(n,(ast.Import,ast.ImportFrom)):
            for a in n.names: bind(sc,(a.asname or a.name).split('.')[0],('imp',n,a))
        elif isinstance(n,ast.MatchAs):
            if n.name: bind(sc,n.name,('exc',n))
            for c in ast.iter_child_nodes(n): visit(c,sc)
        else:
            for c in ast.iter_child_nodes(n): visit(c,sc)
    for c in tree.body: visit(c,top)
    return top
def walk(s):
    yield s
    for c in s.children: yield from walk(c)
def resolve(s,name):
    t=s; first=True
    while t:
        if name in t.b and (t.kind!='class' or first): return t
        first=False; t=t.parent
    return None
def replace(lines,spots,old,new):
    for (l,c) in sorted(set(spots),reverse=True):
        b=lines[l-1].encode(); assert b[c:c+len(old.encode())]==old.encode(),(l,c,b,old)
        lines[l-1]=(b[:c]+new.encode()+b[c+len(old.encode()):]).decode()
def defspot(lines,node):
    t=lines[node.lineno-1]; i=t.index(node.name,node.col_offset+4); return (node.lineno,len(t[:i].encode()))
problems=[]; files={}
def get(p):
    if p not in files: files[p]=(ROOT/p).read_text()
    return files[p]
def apply(p,old,new,lineno):
    s=get(p); tree=ast.parse(s); lines=s.splitlines(); parts=old.split('.')
    place=find(tree,lines,parts)
    if place is None: problems.append(f"NOT FOUND {lineno} {p} {old}"); return
    top=build(tree); l,c=place
    target=None; tgt_name=parts[-1]
    for sc in walk(top):
        for pos in sc.b.get(tgt_name,()):
            if pos[0]=='n' and pos[1:]==(l,c): target=sc
            if pos[0]=='def' and defspot(lines,pos[1])==(l,c): target=sc
    attr=target is None or target.kind=='class'
    if attr:
        # class attribute
        cls=None
        for n in ast.walk(tree):
            if isinstance(n,ast.ClassDef) and n.lineno<=l<=n.end_lineno: cls=n
        bound={n.name for n in cls.body if hasattr(n,'name')}|{n.target.id for n in cls.body if isinstance(n,ast.AnnAssign) and isinstance(n.target,ast.Name)}|{t.id for n in cls.body if isinstance(n,ast.Assign) for t in n.targets if isinstance(t,ast.Name)}|{n.attr for n in ast.walk(cls) if isinstance(n,ast.Attribute) and isinstance(n.ctx,ast.Store) and isinstance(n.value,ast.Name) and n.value.id=='self'}
        if new in bound: problems.append(f"COLLISION(class) {lineno} {p} {old} {new}")
        spots=[]
        for n in ast.walk(tree):
            if isinstance(n,ast.Attribute) and n.attr==tgt_name and isinstance(n.value,ast.Name) and n.value.id in('self','cls',cls.name) and cls.lineno<=n.lineno<=cls.end_lineno:
                spots.append((n.end_lineno,n.end_col_offset-len(tgt_name.encode())))
        for n in cls.body:
            if getattr(n,'name',None)==tgt_name: spots.append(defspot(lines,n))
            if isinstance(n,ast.AnnAssign) and isinstance(n.target,ast.Name) and n.target.id==tgt_name: spots.append((n.target.lineno,n.target.col_offset))
            if isinstance(n,ast.Assign):
                for t in n.targets:
                    if isinstance(t,ast.Name) and t.id==tgt_name: spots.append((t.lineno,t.col_offset))
        if not spots: problems.append(f"ATTR? {lineno} {p} {old}")
        kind='attr'
    else:
        kind='global' if target.kind=='module' else 'local:'+target.kind
        spots=[]
        if new in target.b: problems.append(f"COLLISION {lineno} {p} {old} {new}")
        for sc in walk(target):
            for pos in sc.u.get(new,()):
                r=resolve(sc,new)
                if r is None or (r not in list(walk(target)) ): problems.append(f"CAPTURES {lineno} {p} {old} -> {new} line {pos[1]}"); break
        for pos in target.b[tgt_name]:
            if pos[0]=='n': spots.append(pos[1:])
            elif pos[0]=='def': spots.append(defspot(lines,pos[1]))
            elif pos[0]=='exc': problems.append(f"EXC {lineno} {old}")
        for sc in walk(target):
            for pos in sc.u.get(tgt_name,()):
                if resolve(sc,tgt_name) is target:
                    spots.append(pos[1:])
                    t=sc
                    while t is not target:
                        if new in t.b and t.kind!='class': problems.append(f"SHADOWED {lineno} {p} {old} -> {new} line {pos[1]}"); break
                        t=t.parent
        if kind!='global' and resolve(target,new) and resolve(target,new).kind=='module' and any(x[0]=='imp' for x in resolve(target,new).b[new]): problems.append(f"SHADOWS IMPORT {lineno} {p} {old} {new}")
        if hasattr(builtins,new): problems.append(f"BUILTIN {lineno} {old} {new}")
        if kind=='global': globals_.append((p,tgt_name,new,lineno))
        # keyword arguments of same-file calls
        if isinstance(target.node,(ast.FunctionDef,ast.AsyncFunctionDef)) :
            fn=target.node.name
            args={x.arg for x in ast.walk(target.node.args) if isinstance(x,ast.arg)}
            if tgt_name in args: params.append((p,old,new,lineno))
            for n in ast.walk(tree):
                if isinstance(n,ast.Call):
                    nm=n.func.id if isinstance(n.func,ast.Name) else n.func.attr if isinstance(n.func,ast.Attribute) else None
                    if nm==fn:
                        for k in n.keywords:
                            if k.arg==tgt_name: spots.append((k.lineno,k.col_offset))
    replace(lines,spots,tgt_name,new)
    files[p]="\n".join(lines)+"\n"
    try: ast.parse(files[p])
    except SyntaxError as e: problems.append(f"SYNTAX {lineno} {p} {old}: {e}")
EDITS={}
for f in ('core-postgres.edits.txt','core-runtime.edits.txt'):
    for l in (N/f).read_text().splitlines():
        if l.startswith('#') or not l.strip(): continue
        a,b,c=l.split('\t'); b=b.replace('\\n','\n'); c=c.replace('\\n','\n')
        if a.endswith('.py'):
            if b not in get(a): problems.append('EDIT '+l)
            files[a]=get(a).replace(b,c)
globals_=[]; params=[]
def main(names):
    count=0
    for name in names:
        for i,line in enumerate((N/name).read_text().splitlines(),1):
            t=line.split('#')[0].split()
            if not t: continue
            if len(t)!=3: problems.append(f"FORM {name}:{i} {line}"); continue
            count+=1; apply(t[0],t[1],t[2],f"{name}:{i}")
    # importers of renamed module-level names
    mods={}
    for p,o,n,ln in globals_:
        m='.'.join(Path(p).with_suffix('').parts[1:]); mods.setdefault(m,[]).append((o,n,ln))
    for q in ROOT.rglob('*.py'):
        if '.venv' in q.parts or 'node_modules' in q.parts: continue
        s=q.read_text()
        if 'wms_core' not in s: continue
        rel=str(q.relative_to(ROOT)); s=files.get(rel,s) if rel in files else s
        tree=ast.parse(s)
        for n in ast.walk(tree):
            if isinstance(n,ast.ImportFrom) and n.module in mods:
                for a in n.names:
                    for o,new,ln in mods[n.module]:
                        if a.name==o and not a.asname:
                            b=build(tree)
                            for sc in walk(b):
                                if new in sc.b: problems.append(f"IMPORTER {ln} {rel}: {o}->{new} is bound in {getattr(sc.node,'name','module')}")
    print(count,'lines')
    for x in problems: print(x)
    # remains
    rem=defaultdict(list)
    for p in L.mine():
        rel=str(p.relative_to(ROOT)); tree=ast.parse(files.get(rel,p.read_text()))
        for path,nm,l in L.scopes(tree):
            if L.one(nm) and not L.kept(nm) and not nm.startswith('.'): rem[nm].append(rel.replace('core/wms_core/','')+':'+'.'.join(path))
    print(len(rem),'one-word names outside the keep list remain')
    if '-v' in sys.argv:
        for k,v in sorted(rem.items()): print('  ',k,len(v),v[:3])
if __name__=='__main__':
    main([a for a in sys.argv[1:] if not a.startswith('-')])
