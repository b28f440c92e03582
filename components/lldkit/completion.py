"""The command `lldkit completion`: a script that lets a shell complete the words of every other command."""

import argparse
from collections.abc import Iterator

__all__ = ["SHELLS", "script", "words"]

SHELLS = ("bash", "zsh")
BASH = """\
_lldkit() {{
    local place=lldkit word=${{COMP_WORDS[COMP_CWORD]}} each
    for each in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        [[ $each != -* ]] && case "$place $each" in {places}) place="$place $each" ;; esac
    done
    case "$place" in
{cases}
    esac
}}
complete -o default -F _lldkit lldkit
"""
ZSH = "autoload -Uz bashcompinit && bashcompinit\n"


def words(parser: argparse.ArgumentParser, place: str = "lldkit") -> Iterator[tuple[str, list[str]]]:
    """Each place of the command line, such as `lldkit kata check`, with the commands and options that may go there."""
    found: list[str] = []
    for action in parser._actions:  # noqa: SLF001 - argparse shows its arguments nowhere else
        found += [option for option in action.option_strings if option.startswith("--")]
        if action.choices is not None and not action.option_strings:
            found += [str(choice) for choice in action.choices]
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for name, below in action.choices.items():
                yield from words(below, f"{place} {name}")
    yield place, found


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """What a shell of SHELLS must evaluate: `eval "$(lldkit completion bash)"`."""
    table = sorted(words(parser))
    cases = [
        f"""        {_quoted(place)}) COMPREPLY=($(compgen -W {_quoted(" ".join(found))} -- "$word")) ;;"""
        for place, found in table
    ]
    places = "|".join(_quoted(place) for place, _ in table if place != "lldkit")
    body = BASH.format(places=places, cases="\n".join(cases))
    return body if shell == "bash" else ZSH + body


def _quoted(text: str) -> str:
    return f"'{text}'"
