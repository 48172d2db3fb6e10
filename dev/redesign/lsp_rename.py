"""Rename symbols by types, with pyright's language server.

usage: lsp_rename.py ROOT PYTHON TABLE    TABLE lines: `path/of/module.py old new` where old is `name` at module level,
`Class.name` for a method or attribute, or `Class.method.local`/`function.local` for a parameter or a local.
"""
import ast, json, subprocess, sys, threading, itertools, os, time
from pathlib import Path
from urllib.parse import unquote, urlsplit

class Server:
    def __init__(self, root, python):
        lib = next(Path(python).parent.parent.glob("lib/python*/site-packages/pyright/dist/langserver.index.js"))
        self.process = subprocess.Popen(["nice", "-n", "19", "node", "--max-old-space-size=6000", str(lib), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ids = itertools.count(1); self.root = root; self.python = python; self.versions = {}
        self.request("initialize", {"processId": os.getpid(), "rootUri": root.as_uri(), "workspaceFolders": [{"uri": root.as_uri(), "name": "w"}],
            "capabilities": {"workspace": {"workspaceEdit": {"documentChanges": True}, "configuration": True, "workspaceFolders": True}, "textDocument": {"rename": {"prepareSupport": True}}}})
        self.notify("initialized", {})
    def send(self, message):
        data = json.dumps(message).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(data) + data); self.process.stdin.flush()
    def read(self):
        length = 0
        while (line := self.process.stdout.readline().strip()):
            if line.lower().startswith(b"content-length"): length = int(line.split(b":")[1])
        return json.loads(self.process.stdout.read(length))
    def notify(self, method, params): self.send({"jsonrpc": "2.0", "method": method, "params": params})
    def request(self, method, params):
        number = next(self.ids)
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        while True:
            message = self.read()
            if message.get("id") == number and "method" not in message:
                if "error" in message: return {"failed": message["error"]}
                return message.get("result")
            if message.get("method") == "window/logMessage" and os.environ.get("LOG"): print(message["params"]["message"][:300])
            if "id" in message and "method" in message:  # a request of the server
                result = None
                if message["method"] == "workspace/configuration":
                    result = [{"pythonPath": str(self.python), "analysis": {"diagnosticMode": "workspace", "indexing": True, "extraPaths": [str(self.root / d) for d in ("core", "server", "worker", "dev", "clients/python", "clients/cli")]}} if i.get("section") in ("python", None) else ({"diagnosticMode": "workspace", "extraPaths": [str(self.root / d) for d in ("core", "server", "worker", "dev", "clients/python", "clients/cli")]} if i.get("section") == "python.analysis" else None) for i in message["params"]["items"]]
                elif message["method"] == "workspace/workspaceFolders": result = [{"uri": self.root.as_uri(), "name": "w"}]
                self.send({"jsonrpc": "2.0", "id": message["id"], "result": result})
    def open(self, path):
        uri = path.as_uri(); text = path.read_text()
        if uri in self.versions:
            self.versions[uri] += 1
            self.notify("textDocument/didChange", {"textDocument": {"uri": uri, "version": self.versions[uri]}, "contentChanges": [{"text": text}]})
        else:
            self.versions[uri] = 1
            self.notify("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": text}})

def find(tree, source, parts):
    """Return (line, column) of the definition of a dotted name."""
    node = tree
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        for child in ast.walk(node) if index else node.body:
            hit = None
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and child.name == part and child is not node:
                text = source[child.lineno - 1]
                hit = (child, (child.lineno, text.index(part, child.col_offset + 4)))
            elif isinstance(child, ast.arg) and child.arg == part: hit = (child, (child.lineno, child.col_offset))
            elif isinstance(child, ast.Name) and child.id == part and isinstance(child.ctx, ast.Store): hit = (child, (child.lineno, child.col_offset))
            elif not index and isinstance(child, (ast.Assign, ast.AnnAssign)):
                for t in ([child.target] if isinstance(child, ast.AnnAssign) else child.targets):
                    for t in ast.walk(t):
                        if isinstance(t, ast.Name) and t.id == part: hit = (t, (t.lineno, t.col_offset))
            elif isinstance(child, ast.Attribute) and child.attr == part and isinstance(child.ctx, ast.Store): hit = (child, (child.end_lineno, child.end_col_offset - len(part)))
            if hit: node, place = hit; break
        else: return None
    return place

def main():
    root, python, table = Path(sys.argv[1]).resolve(), Path(sys.argv[2]), sys.argv[3]
    server = Server(root, python)
    # The first answer that needs the whole workspace comes when it has been read.
    first = root / "core/wms_core/domain/errors.py"
    server.open(first)
    t = time.monotonic(); server.request("workspace/symbol", {"query": "OrderStatus"}); print("ready after", round(time.monotonic() - t, 1), "s", flush=True)
    end = time.monotonic() + float(os.environ.get("SETTLE", "20"))
    while time.monotonic() < end:
        time.sleep(1); server.request("workspace/symbol", {"query": "zzzzzzz"})
    for line in Path(table).read_text().splitlines():
        line = line.split("#")[0].split()
        if not line: continue
        path, old, new = root / line[0], line[1], line[2]
        source = path.read_text()
        place = find(ast.parse(source), source.splitlines(), old.split("."))
        if place is None: print("not found:", *line); continue
        server.open(path)
        began = time.monotonic()
        result = server.request("textDocument/rename", {"textDocument": {"uri": path.as_uri()}, "position": {"line": place[0] - 1, "character": place[1]}, "newName": new})
        if not result or "failed" in result: print("failed:", *line, result); continue
        count = 0; files = 0
        for change in result.get("documentChanges") or [{"textDocument": {"uri": u}, "edits": e} for u, e in result["changes"].items()]:
            file = Path(unquote(urlsplit(change["textDocument"]["uri"]).path))
            if ".venv" in file.parts: print("outside:", file); continue
            lines = file.read_text().splitlines(keepends=True)
            for edit in sorted(change["edits"], key=lambda e: (e["range"]["start"]["line"], e["range"]["start"]["character"]), reverse=True):
                s, e = edit["range"]["start"], edit["range"]["end"]
                lines[s["line"]] = lines[s["line"]][:s["character"]] + edit["newText"] + lines[e["line"]][e["character"]:]
                count += 1
            file.write_text("".join(lines)); files += 1
            server.open(file)
        print(f"{old} -> {new}: {count} places in {files} files, {time.monotonic()-began:.1f} s", flush=True)
    server.request("shutdown", None); server.notify("exit", None)
main()
