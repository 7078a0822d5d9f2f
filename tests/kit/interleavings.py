"""Every interleaving of the file-system calls of a few actors.

An actor is a function of the answers it has got, so a state is the file system and each actor's
answers so far; its next call is found by running it again over those answers. An actor may stop for
good anywhere (a crash): since every state is judged, each also stands for the one after a crash. An
answer may be lost: the call is executed, its actor does not hear of it and calls again, at once or
much later.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from tests.kit.memory_files import MemoryFiles

Actor = Callable[[Any], None]
Tree = frozenset[tuple[str, bytes | None]]  # the nodes of a file system
CHANGES = {
    "create",
    "mkdir",
    "mkdirs",
    "rename",
    "delete",
}  # the verbs whose answer can be lost: a task tries again under another name


class Call(NamedTuple):
    verb: str
    arguments: tuple[Any, ...]


class Answer(NamedTuple):
    value: Any = None
    error: type[Exception] | None = None


class State(NamedTuple):
    """Numbers of what `Interleavings` keeps: the tree, each actor's answers; and how many answers
    may still be lost."""

    tree: int
    heard: tuple[int, ...]
    losses: int


class NextCall(BaseException):
    """Ends the replay of an actor whose answers are used up."""


class Replay:
    """A file system that gives an actor the answers it has had."""

    root = "memory:"

    def __init__(self, answers: tuple[Answer, ...]) -> None:
        self.answers = iter(answers)

    each = staticmethod(MemoryFiles.each)

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        def ask(*arguments: Any, overwrite: bool = False) -> Any:
            answer = next(self.answers, None)
            if answer is None:
                raise NextCall(verb, (*arguments, True) if overwrite else arguments)
            if answer.error:
                raise answer.error
            return dict(answer.value) if verb == "list" else answer.value

        return ask


class Interleavings:
    """All that can happen to these actors. `judge(before, after)` says what is wrong with a step
    between two trees, and `judge_ends(tree, ends)` with how they all ended ("done", or the name of
    an exception); an empty string means nothing is wrong. `begin` is what is there at first."""

    def __init__(
        self,
        actors: list[Actor],
        judge: Callable[[Tree, Tree], str],
        judge_ends: Callable[[Tree, tuple[str, ...]], str],
        losses: int = 0,
        files: type[MemoryFiles] = MemoryFiles,
        begin: Tree = frozenset(),
    ) -> None:
        self.actors, self.judge, self.judge_ends, self.files = actors, judge, judge_ends, files
        self.trees: list[Tree] = [begin]
        self.tree_numbers = {self.trees[0]: 0}
        self.heard: list[tuple[Answer, ...]] = [()]
        self.heard_numbers: dict[tuple[int, Answer], int] = {}
        self.next_calls: dict[tuple[int, int], Call | str] = {}
        self.effects: dict[tuple[int, Call], tuple[int, Answer]] = {}
        self.faults: dict[tuple[int, int], str] = {}
        self.came_from: dict[State, tuple[State, int] | None] = {
            State(0, (0,) * len(actors), losses): None
        }
        self.ends: set[tuple[str, ...]] = set()

    def explore(self, begin: Iterable[int] = ()) -> set[tuple[str, ...]]:
        """Visit every state and return all the ways in which the actors may end; an AssertionError
        tells the first fault and the way that led there. The first calls are made by the actors
        that `begin` names, in this order."""
        todo = list(self.came_from)
        for actor in begin:
            todo = self._follow(todo[0], [actor])
        while todo:
            state = todo.pop()
            todo += self._follow(state, range(len(self.actors)))
        return self.ends

    def _follow(self, state: State, actors: Iterable[int]) -> list[State]:
        """The states after one step of one of the actors that no earlier step has reached."""
        steps = [(after, actor) for actor in actors for after in self._steps(state, actor)]
        if not steps:
            ends = tuple(str(self._next(actor, heard)) for actor, heard in enumerate(state.heard))
            self.ends.add(ends)
            assert not (fault := self.judge_ends(self.trees[state.tree], ends)), self._tell(
                state, fault
            )
        new = [(after, actor) for after, actor in steps if after not in self.came_from]
        for after, actor in new:
            self.came_from[after] = (state, actor)
        for after, _ in steps:
            if fault := self._fault(state.tree, after.tree):
                self.came_from[after] = next(
                    (state, actor) for known, actor in steps if known == after
                )
                raise AssertionError(self._tell(after, fault))
        return [after for after, _ in new]

    def _steps(self, state: State, actor: int) -> list[State]:
        call = self._next(actor, state.heard[actor])
        if isinstance(call, str):
            return []
        tree, answer = self._effect(state.tree, call)
        heard = (
            *state.heard[:actor],
            self._hear(state.heard[actor], answer),
            *state.heard[actor + 1 :],
        )
        out = [State(tree, heard, state.losses)]
        if state.losses and call.verb in CHANGES and tree != state.tree:
            out.append(State(tree, state.heard, state.losses - 1))
        return out

    def _next(self, actor: int, heard: int) -> Call | str:
        """The call that the actor makes after these answers, or how it ended."""
        if (actor, heard) not in self.next_calls:
            self.next_calls[actor, heard] = _next_call(self.actors[actor], self.heard[heard])
        return self.next_calls[actor, heard]

    def _effect(self, tree: int, call: Call) -> tuple[int, Answer]:
        if (tree, call) not in self.effects:
            files = self.files(dict(self.trees[tree]))
            answer = _execute(files, call)
            after = frozenset(files.nodes.items())
            if after not in self.tree_numbers:
                self.tree_numbers[after] = len(self.trees)
                self.trees.append(after)
            self.effects[tree, call] = (self.tree_numbers[after], answer)
        return self.effects[tree, call]

    def _hear(self, heard: int, answer: Answer) -> int:
        if (heard, answer) not in self.heard_numbers:
            self.heard_numbers[heard, answer] = len(self.heard)
            self.heard.append((*self.heard[heard], answer))
        return self.heard_numbers[heard, answer]

    def _fault(self, before: int, after: int) -> str:
        if (before, after) not in self.faults:
            self.faults[before, after] = self.judge(self.trees[before], self.trees[after])
        return self.faults[before, after]

    def _tell(self, state: State, fault: str) -> str:
        way: list[str] = []
        step = self.came_from[state]
        while step:
            before, actor = step
            call = self._next(actor, before.heard[actor])
            assert isinstance(call, Call)
            _, answer = self._effect(before.tree, call)
            outcome = answer.error.__name__ if answer.error else "ok"
            lost = ", answer lost" if before.losses != state.losses else ""
            shown = ", ".join(
                str(argument) for argument in call.arguments if not isinstance(argument, bytes)
            )
            way.append(f"actor {actor}: {call.verb}({shown}) -> {outcome}{lost}")
            state, step = before, self.came_from[before]
        return "\n".join([fault, "after", *reversed(way)])


def _next_call(actor: Actor, answers: tuple[Answer, ...]) -> Call | str:
    try:
        actor(Replay(answers))
    except NextCall as call:
        return Call(*call.args)
    except Exception as error:
        return type(error).__name__
    return "done"


def _execute(files: MemoryFiles, call: Call) -> Answer:
    try:
        value = getattr(files, call.verb)(*call.arguments)
    except (FileExistsError, FileNotFoundError) as error:
        return Answer(error=type(error))
    return Answer(tuple(sorted(value.items())) if call.verb == "list" else value)
