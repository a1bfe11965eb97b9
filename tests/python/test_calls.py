"""Long calls: other threads run meanwhile, Ctrl-C ends them, progress is told."""

import signal
import threading
import time

import numpy as np
import pytest

import ulpscope


def long_problem():
    """Some seconds of work for one core."""
    x = ulpscope.round(np.random.default_rng(1).standard_normal((8, 1024, 64)), "bf16", raw=True)
    return {"q": x, "k": x, "v": x, "format": "bf16", "threads": 1}


def test_other_threads_run_during_a_call():
    turns = 0
    over = threading.Event()

    def count():
        nonlocal turns
        while not over.is_set():
            turns += 1
            time.sleep(0.001)

    counter = threading.Thread(target=count)
    counter.start()
    before = turns
    ulpscope.attention(**long_problem(), log="none")
    during = turns - before
    over.set()
    counter.join()
    assert during > 3


def test_a_signal_ends_a_call_as_keyboard_interrupt():
    main = threading.main_thread().ident
    timer = threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        ulpscope.attention(**long_problem())
    timer.join()


def test_progress_is_told_up_to_the_end():
    told = []
    ulpscope.attention(**long_problem(), log="none", progress=lambda *where: told.append(where))
    done, all = zip(*told)
    assert set(all) == {all[0]}
    assert list(done) == sorted(done)
    assert done[-1] == all[0]


def test_what_progress_raises_ends_the_call_and_reaches_the_caller():
    class Enough(Exception):
        pass

    def stop(done, all):
        raise Enough(done)

    with pytest.raises(Enough):
        ulpscope.attention(**long_problem(), progress=stop)


def test_calls_on_several_threads_give_the_bits_of_one():
    problem = long_problem() | {"log": "none"}
    problem = problem | {role: problem[role][:, :256] for role in "qkv"}
    expected = ulpscope.attention(**problem).o
    results = []
    threads = [threading.Thread(target=lambda: results.append(ulpscope.attention(**problem).o))
               for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    for result in results:
        ulpscope.assert_bits_equal(result, expected)
