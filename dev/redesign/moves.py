"""Move modules by a table, and rewrite every import, dotted name and path that names them. One pass, by ast.

usage: moves.py ROOT TABLE...   TABLE lines: `new/path.py <- old/path.py [+ old2.py ...]`, paths from ROOT.
"""
import ast, re, subprocess, sys
from pathlib import Path

SOURCE_ROOTS = ("core", "server", "worker", "dev", "clients/cli", "clients/python", "")

def dotted(path: str) -> str:
    for root in SOURCE_ROOTS:
        if root and path.startswith(root + "/"):
            path = path[len(root) + 1:]
            break
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")

def read_table(files):
    moves = {}  # old path -> new path, in order
    for file in files:
        for line in Path(file).read_text().splitlines():
            line = line.split("#")[0].strip()
            if not line: continue
            new, olds = line.split("<-")
            for old in olds.split("+"):
                moves[old.strip()] = new.strip()
    return moves

class File:
    def __init__(self, path, text):
        self.path, self.text = path, text
        self.edits = []  # (start, end, new)
        self.starts = [0]
        for line in text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line.encode()))
        self.data = text.encode()
    def offset(self, line, col): return self.starts[line - 1] + col
    def span(self, node): return self.offset(node.lineno, node.col_offset), self.offset(node.end_lineno, node.end_col_offset)

def main():
    root, tables = Path(sys.argv[1]).resolve(), sys.argv[2:]
    moves = read_table(tables)
    tracked = subprocess.run(["git", "-C", root, "ls-files"], capture_output=True, text=True, check=True).stdout.split("\n")
    missing = [old for old in moves if old not in tracked]
    for old in missing: print("not there:", old)
    moves = {o: n for o, n in moves.items() if o in tracked}
    names = {dotted(o): dotted(n) for o, n in moves.items() if o.endswith(".py")}
    module_names = {dotted(p) for p in tracked if p.endswith(".py")}
    targets = {}
    for o, n in moves.items(): targets.setdefault(n, []).append(o)
    # regexes on text
    keys = sorted(names, key=len, reverse=True)
    dotted_re = re.compile(r"(?<![\w./])(" + "|".join(map(re.escape, keys)) + r")(?![\w])(?!\.py\b)") if keys else None
    path_keys = sorted(moves, key=len, reverse=True)
    path_re = re.compile(r"(?<![\w.-])((?:\.\./)*)(" + "|".join(map(re.escape, path_keys)) + r")(?![\w])")
    problems = []
    out = {}
    for name in tracked:
        path = root / name
        if not name or not path.is_file() or path.is_symlink(): continue
        if name.endswith((".lock", ".png", ".svg", ".sum", "package-lock.json")): continue
        try: text = path.read_text()
        except UnicodeDecodeError: continue
        file = File(name, text)
        if name.endswith((".py", ".pyi")):
            here = dotted(name)
            ORIGINAL_NEEDS[name] = {f"{n.module}" for n in ast.walk(ast.parse(text)) if isinstance(n, ast.ImportFrom)} | {f"{n.module}.{a.name}" for n in ast.walk(ast.parse(text)) if isinstance(n, ast.ImportFrom) for a in n.names}
            final = dotted(moves.get(name, name))
            rewrite_python(file, names, module_names, final, problems, here)
        spans = [(s, e) for s, e, _ in file.edits]
        new = apply(file, names, dotted_re, moves, path_re, spans, root)
        out[name] = new
    # write: moves first
    for new, olds in targets.items():
        parts = [out.pop(old) for old in olds]
        for old in olds[1:]:
            subprocess.run(["git", "-C", root, "rm", "-q", "--cached", old], check=True); (root / old).unlink()
        target = root / (new)
        target.parent.mkdir(parents=True, exist_ok=True)
        if olds[0] != new:
            # swap-safe: through a temporary name
            tmp = str(new) + ".moving"
            subprocess.run(["git", "-C", root, "mv", olds[0], tmp], check=True)
        else: tmp = new
        (root / tmp).write_text(parts[0] if len(parts) == 1 else merge(in_order(parts, olds), new, problems))
    for new, olds in targets.items():
        if olds[0] != new: subprocess.run(["git", "-C", root, "mv", str(new) + ".moving", new], check=True)
    for name, text in out.items():
        if (root / name).is_file() and name not in moves: (root / name).write_text(text)
    # packages
    for new in targets:
        if not new.endswith(".py"): continue
        folder = (root / new).parent
        while folder != root and folder.name not in ("core", "server", "worker", "dev", "cli", "python", "clients", ""):
            init = folder / "__init__.py"
            if not init.exists(): init.write_text('"""TODO."""\n'); print("new package:", folder.relative_to(root))
            folder = folder.parent
    for problem in problems: print("LOOK:", problem)

def rewrite_python(file, names, module_names, final, problems, here):
    try: tree = ast.parse(file.text)
    except SyntaxError as error: problems.append(f"{file.path}: {error}"); return
    renamed = {}  # local name of a module -> new local name
    body_of = [n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))]
    for node in body_of:
        if isinstance(node, ast.ImportFrom):
            if node.level: 
                problems.append(f"{file.path}:{node.lineno} relative import"); continue
            base = node.module
            groups = {}
            touched = base in names
            for alias in node.names:
                full = f"{base}.{alias.name}"
                if full in names or full in module_names and base not in module_names:
                    pass
                if full in names:
                    touched = True
                    new = names[full]
                    if new == final: continue  # merged into this module
                    parent, _, leaf = new.rpartition(".")
                    local = alias.asname or alias.name
                    if alias.asname: groups.setdefault(parent, []).append(f"{leaf} as {alias.asname}" if alias.asname != leaf else leaf)
                    else:
                        groups.setdefault(parent, []).append(leaf)
                        if leaf != local: renamed[local] = leaf
                else:
                    new = names.get(base, base)
                    if new == final and base in names: continue
                    groups.setdefault(new, []).append(alias.name + (f" as {alias.asname}" if alias.asname else ""))
            if touched:
                indent = " " * node.col_offset
                lines = [f"from {m} import ({', '.join(items)})" if len(items) > 0 else "" for m, items in groups.items()]
                start, end = file.span(node)
                file.edits.append((start, end, ("\n" + indent).join(lines) or ("pass" if node.col_offset else "")))
        else:
            for alias in node.names:
                if alias.name in names and not alias.asname:
                    problems.append(f"{file.path}:{node.lineno} import {alias.name}")
    if renamed:
        bound = {a.arg for n in ast.walk(tree) if isinstance(n, ast.arguments) for a in (*n.posonlyargs, *n.args, *n.kwonlyargs)}
        bound |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        bound |= {n.name for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))}
        for old, new in renamed.items():
            if new in bound: problems.append(f"{file.path}: module {old} becomes {new}, which is bound there too")
            if old in bound: problems.append(f"{file.path}: module name {old} is bound there too")
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in renamed and isinstance(node.ctx, ast.Load):
                s, e = file.span(node); file.edits.append((s, e, renamed[node.id]))

def apply(file, names, dotted_re, moves, path_re, spans, root):
    text = file.data
    edits = list(file.edits)
    def free(s, e): return all(e <= a or s >= b for a, b in spans)
    decoded = file.text
    # byte offsets for regex matches
    def boff(i): return len(decoded[:i].encode())
    for m in dotted_re.finditer(decoded) if dotted_re else ():
        s, e = boff(m.start()), boff(m.end())
        if free(s, e): edits.append((s, e, names[m.group(1)])); spans.append((s, e))
    for m in path_re.finditer(decoded):
        s, e = boff(m.start(2)), boff(m.end(2))
        if free(s, e): edits.append((s, e, moves[m.group(2)])); spans.append((s, e))
    for s, e, new in sorted(edits, reverse=True):
        text = text[:s] + new.encode() + text[e:]
    return text.decode()

def in_order(parts, olds):
    """Put a part that others import before them."""
    def needs(text):
        found = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom):
                found.add(node.module); found |= {f"{node.module}.{a.name}" for a in node.names}
        return found
    left = list(zip(olds, parts)); result = []
    while left:
        for index, (old, part) in enumerate(left):
            if not any(dotted(other) in ORIGINAL_NEEDS[old] for other, _ in left if other != old): break
        else: index = 0
        result.append(left.pop(index))
    return [p for _, p in result]

ORIGINAL_NEEDS = {}

def merge(parts, new, problems):
    seen, imports, bodies, doc = {}, [], [], []
    for part in parts:
        tree = ast.parse(part)
        lines = part.splitlines(keepends=True)
        skip = set()
        for index, node in enumerate(tree.body):
            first = node.lineno
            if index == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                doc.append(ast.get_source_segment(part, node)); skip.update(range(node.lineno, node.end_lineno + 1))
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                imports.append(ast.get_source_segment(part, node)); skip.update(range(node.lineno, node.end_lineno + 1))
            else:
                defined = [getattr(node, "name", None)] + [t.id for t in getattr(node, "targets", []) if isinstance(t, ast.Name)] + ([node.target.id] if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) else [])
                for name in filter(None, defined):
                    if name in seen and name not in ("_log", "T", "M", "log", "ROOT"): problems.append(f"{new}: {name} is defined twice")
                    elif name in seen and name in ("_log", "T", "M", "log", "ROOT"): skip.update(range(node.lineno, node.end_lineno + 1))
                    seen[name] = True
        bodies.append("".join(line for number, line in enumerate(lines, 1) if number not in skip).strip("\n"))
    return doc[0] + "\n\n" + "\n".join(imports) + "\n\n" + "\n\n\n".join(bodies) + "\n"

main()
