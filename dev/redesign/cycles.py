import ast,sys,subprocess
from pathlib import Path
root=Path(sys.argv[1]); roots=["core","server","worker","dev","clients/cli","clients/python",""]
mods={}
for r in roots[:-1]:
    for p in (root/r).rglob("*.py"):
        if ".venv" in p.parts or "node_modules" in p.parts: continue
        mods[".".join(p.relative_to(root/r).with_suffix("").parts).removesuffix(".__init__")]=p
for p in (root/"tests").rglob("*.py"): mods[".".join(p.relative_to(root).with_suffix("").parts)]=p
g={}
for m,p in mods.items():
    deps=set()
    tree=ast.parse(p.read_text())
    def top(body):
        for n in body:
            if isinstance(n,ast.ImportFrom) and n.module:
                for a in n.names:
                    f=f"{n.module}.{a.name}"
                    deps.add(f if f in mods else n.module)
            elif isinstance(n,ast.Import):
                for a in n.names: deps.add(a.name)
            elif isinstance(n,(ast.Try,ast.With)): top(n.body)
    top(tree.body)
    g[m]={d for d in deps if d in mods and d!=m}
import sys; sys.setrecursionlimit(10000)
idx={};low={};st=[];on=set();out=[]
def sc(v):
    idx[v]=low[v]=len(idx); st.append(v); on.add(v)
    for w in g[v]:
        if w not in idx: sc(w); low[v]=min(low[v],low[w])
        elif w in on: low[v]=min(low[v],idx[w])
    if low[v]==idx[v]:
        c=[]
        while True:
            w=st.pop(); on.discard(w); c.append(w)
            if w==v: break
        if len(c)>1: out.append(c)
for v in list(g):
    if v not in idx: sc(v)
for c in out:
    print("CYCLE:",*c)
    for m in c: print("   ",m,"->",*[d for d in g[m] if d in c])
