import ast,sys,re
from pathlib import Path
from collections import defaultdict
sys.path.insert(0,'redesign')
import importlib.util
spec=importlib.util.spec_from_file_location("r","readability.py")
src=open('readability.py').read().replace("from rich.console import Console","").replace("from rich.table import Table","")
ns={"__name__":"x","__file__":"t/dev/wms_dev/readability.py"}; exec(compile(src,"r","exec"),ns)
root=Path(sys.argv[1]); where=defaultdict(lambda: defaultdict(int))
for p in ns["_modules"](root,("core","server","worker")):
    for n in ns["_names"](ast.parse(p.read_bytes())):
        where[n][str(p.relative_to(root))]+=1
one={n:w for n,w in where.items() if len(ns["_words"](n))<=1}
print(len(where),len(one),file=sys.stderr)
def pk(f): return f.split('/')[0]
rows=[]
for n,w in one.items():
    pks=sorted({pk(f) for f in w}); rows.append((len(pks),sum(w.values()),n,pks,w))
rows.sort(key=lambda r:(-r[0],-r[1]))
for k,c,n,pks,w in rows: print(k,c,n,",".join(pks),len(w))
