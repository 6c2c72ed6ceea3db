"""How many RPCs a client has sent, as its kernel counts them."""

from collections import Counter


def counted(text: str, mount: str) -> Counter[str]:
    """The RPCs for a mount by kind, out of the text of /proc/self/mountstats."""
    found: Counter[str] = Counter()
    is_ours = False
    for line in text.splitlines():
        if line.startswith("device "):
            is_ours = f" mounted on {mount} " in line
        name, colon, numbers = line.strip().partition(": ")
        if is_ours and colon and name.replace("_", "").isupper() and name != "NULL":
            found[name] += int(numbers.split()[0])
    return found
