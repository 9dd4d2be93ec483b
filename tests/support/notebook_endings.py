"""Cells that end a notebook early or crookedly: what each does, whether it is refused unrun, and what the run says."""

from __future__ import annotations

from typing import NamedTuple

AGAIN = "importer = __builtins__['__import__'] if isinstance(__builtins__, dict) else __builtins__.__import__\n"


class Ending(NamedTuple):
    """The code of one cell; `refused` when vetting must refuse it; `says` what the message holds once it is run.

    `says` is None for what ends nothing: it is refused because its meaning depends on who runs the notebook.
    """

    code: str
    refused: bool
    says: str | None


CELL = "code cell 3"
RAISED = "code cell 3 ended with ZeroDivisionError"
ENDED = "the kernel ended by itself while code cell 3 of 4 ran"
KILLED = "the kernel was killed"
REFUSED = "code cell 3 ended with ProcessRefused"
# Code cell 1 holds the parameters, 2 those that were injected, 3 is the crooked one, 4 writes the receipt.
ENDINGS: dict[str, Ending] = {
    # a cell that raises
    "an error": Ending("1 / 0", False, RAISED),
    "an error in a library": Ending("import json\njson.loads('{')", False, "code cell 3 ended with JSOND"),
    "an error without a class of its own": Ending("raise BaseException('no')", False, "code cell 3 ended with BaseExc"),
    "KeyboardInterrupt": Ending("raise KeyboardInterrupt", False, CELL),
    "SystemExit": Ending("raise SystemExit", False, CELL),
    "SystemExit with 0": Ending("raise SystemExit(0)", False, CELL),
    "GeneratorExit": Ending("raise GeneratorExit", False, CELL),
    "StopIteration": Ending("next(iter([]))", False, "code cell 3 ended with StopIteration"),
    "an assertion": Ending("assert False", False, "code cell 3 ended with AssertionError"),
    "endless recursion": Ending("f = lambda: f()\nf()", False, "code cell 3 ended with RecursionError"),
    "a group of errors": Ending("raise ExceptionGroup('g', [ValueError('a')])", False, CELL),
    "an error whose text fails": Ending(
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E", False, "code cell 3"),
    "an error named like ours": Ending(
        "class StopError(Exception): pass\nraise StopError('x.csv: no')", False, "x.csv"),
    "not Python": Ending("x = 'not closed", True, CELL),
    "indentation": Ending("if True:\nx = 1", True, CELL),
    "top-level return": Ending("return 1", False, CELL),
    # leaving the interpreter
    "sys.exit": Ending("import sys; sys.exit(0)", True, CELL),
    "sys.exit with a word": Ending("import sys; sys.exit('bye')", True, CELL),
    "quit": Ending("quit()", True, None),
    "exit": Ending("exit()", True, None),
    "os._exit 0": Ending("import os; os._exit(0)", True, ENDED),
    "os._exit 0 through modules": Ending("import sys; sys.modules['os']._exit(0)", True, ENDED),
    "os._exit by another name": Ending("import os\nleave = os._exit\nleave(0)", False, ENDED),
    "os._exit by getattr": Ending("import os\ngetattr(os, '_ex' + 'it')(0)", False, ENDED),
    "os.abort": Ending("import os; os.abort()", True, KILLED),
    "exec of another program": Ending("import os; os.execv('/bin/true', ['true'])", True, REFUSED),
    "exec by another name": Ending("import os\ngo = os.execv\ngo('/bin/true', ['true'])", False, REFUSED),
    "ask_exit": Ending("get_ipython().ask_exit()", True, None),
    "kernel shut down": Ending("get_ipython().kernel.do_shutdown(False)", True, None),
    "signal KILL": Ending("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", False, KILLED),
    "signal TERM": Ending("import signal; signal.raise_signal(signal.SIGTERM)", False, CELL),
    "signal INT": Ending("import signal; signal.raise_signal(signal.SIGINT)", False, CELL),
    "signal SEGV": Ending("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", False, KILLED),
    "a bad address": Ending("import ctypes; ctypes.string_at(0)", True, KILLED),
    "exit of the C library": Ending("import ctypes; ctypes.CDLL(None)['exit'](0)", True, ENDED),
    "builtins.exit": Ending("import builtins; builtins.exit()", True, CELL),
    "an alarm": Ending("import signal, time\nsignal.alarm(1)\ntime.sleep(5)", False, KILLED),
    # past the check of cells
    "a shell escape": Ending("!false", True, REFUSED),
    "a shell escape for its output": Ending("x = !false", True, REFUSED),
    "a magic": Ending("%reset -f", True, None),
    "a cell magic": Ending("%%bash\nfalse", True, CELL),
    "system of IPython": Ending("get_ipython().system('false')", True, REFUSED),
    "a cell that runs a cell": Ending("get_ipython().run_cell('1 / 0')", True, CELL),
    "exec": Ending("exec('1 / 0')", True, RAISED),
    "eval": Ending("eval('1 / 0')", True, RAISED),
    "import_module": Ending("import importlib\nimportlib.import_module('subprocess').run(['false'])", True, REFUSED),
    "import by the builtin": Ending(AGAIN + "importer('subprocess').run(['false'])", False, REFUSED),
    "a module of a module": Ending("import pandas\nimport sys\nsys.modules['os'].system('false')", True, REFUSED),
    # other processes
    "os.system": Ending("import os; os.system('false')", True, REFUSED),
    "os.popen": Ending("import os; os.popen('false').read()", True, REFUSED),
    "os.spawnl": Ending("import os; os.spawnl(os.P_WAIT, '/bin/false', 'false')", True, CELL),
    "os.spawnl by another name": Ending("import os\ns = os.spawnl\ns(os.P_NOWAIT, '/bin/false', 'false')", False, CELL),
    "os.posix_spawn": Ending("import os; os.posix_spawn('/bin/false', ['false'], {})", True, REFUSED),
    "os.fork": Ending("import os\nos.fork()", True, REFUSED),
    "os.fork by another name": Ending("import os\nf = os.fork\nf()", False, REFUSED),
    "subprocess": Ending("import subprocess; subprocess.run(['false'])", True, REFUSED),
    "multiprocessing": Ending(
        "import multiprocessing as m\np = m.get_context('fork').Process(target=print)\np.start()\np.join()", True,
        REFUSED),
    "a pool of processes": Ending(
        "from concurrent.futures import ProcessPoolExecutor as P\nwith P(1) as p: p.submit(print).result()", True,
        CELL),
    "a process of the C library": Ending(
        AGAIN + "importer('ctypes').CDLL(None).system(b'sleep 60 &')", False,
        "a process that a cell started was still running when the notebook had ended"),
    # threads
    "a thread that fails": Ending(
        "import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start()\nt.join()", True,
        "a thread that code cell 3 started failed (ZeroDivisionError)"),
    "a thread that fails later": Ending(
        "import threading, time\nthreading.Timer(0.3, lambda: 1 / 0).start()\n", True,
        "a thread that code cell 3 started"),
    "a thread that never ends": Ending(
        "import threading, time\nthreading.Thread(target=time.sleep, args=[600], daemon=True).start()", True,
        "a thread that code cell 3 started was still running when the notebook had ended"),
    "a pool of threads left open": Ending(
        AGAIN + "p = importer('concurrent.futures').futures.ThreadPoolExecutor(1)\nf = p.submit(print)", False,
        "a thread that code cell 3 started was still running"),
    "a raw thread": Ending(
        "import _thread, time\n_thread.start_new_thread(lambda: 1 / 0, ())\ntime.sleep(0.3)", True,
        "something failed beside the cells"),
    # tasks of the event loop
    "a task that fails": Ending(
        "import asyncio\nasync def f(): 1 / 0\nt = asyncio.create_task(f())\nawait asyncio.sleep(0.1)", True,
        "a task that code cell 3 started failed (ZeroDivisionError)"),
    "a task that fails after its cell": Ending(
        "import asyncio\nasync def f():\n    await asyncio.sleep(0.05)\n    1 / 0\nt = asyncio.ensure_future(f())",
        True,
        "a task that code cell 3 started"),
    "a task that never ends": Ending(
        "import asyncio\nt = asyncio.create_task(asyncio.Event().wait())", True,
        "a task that code cell 3 started was still running when the notebook had ended"),
    "a task of a library function": Ending(
        AGAIN + "a = importer('asyncio')\nt = a.create_task(a.sleep(600))", False,
        "a task that code cell 3 started was"),
    "a call that is put off": Ending(
        AGAIN + "importer('asyncio').get_running_loop().call_later(600, lambda: 1 / 0)", False,
        "a call that a cell put off was still running"),
    "a call that fails at once": Ending(
        "import asyncio\nasyncio.get_event_loop().call_soon(lambda: 1 / 0)\nawait asyncio.sleep(0.2)", True,
        "a call that code cell 3, or one before it, put off failed (ZeroDivisionError)"),
    # what was left
    "the receipt removed in advance": Ending(
        "import os\nos.environ['TRIALBOOK_NONCE'] = 'another'", False, "the last cell wrote no receipt"),
    "the workspace removed": Ending(
        "import os, shutil\nw = os.environ['TRIALBOOK_WORKSPACE']\nshutil.rmtree(w)\nopen(w, 'w')",
        False, "code cell 4 ended with"),
    "standard error closed, then an error": Ending("import sys\nsys.stderr.close()\n1 / 0", False, CELL),
    "displayhook broken": Ending("import sys\nsys.displayhook = lambda x: 1 / 0\n2", False, CELL),
    "the excepthook of threads silenced": Ending(
        "import threading\nthreading.excepthook = lambda a: None\n"
        "t = threading.Thread(target=lambda: 1 / 0)\nt.start()\nt.join()", True,
        "a thread that code cell 3 started failed"),
}  # fmt: skip
