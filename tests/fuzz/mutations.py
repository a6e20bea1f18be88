"""Mutations: random damage to bytes, to JSON, and to the header of a safetensors file, each from a generator of its own seed."""

import copy
import json

INTERESTING = (0, 1, 2, 7, 255, 256, 65535, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def pick(rng, values):
    """One of the values, which may have any types."""
    return values[int(rng.integers(len(values)))]


def mutated_bytes(rng, data):
    """Some bytes changed, removed, repeated, inserted or cut off; sometimes several of it."""
    for _ in range(int(rng.integers(1, 4))):
        data = pick(rng, (_flipped, _flipped, _overwritten, _cut, _removed, _repeated, _number))(rng, data)
    return data


def _span(rng, data):
    begin = int(rng.integers(len(data) + 1))
    return begin, min(len(data), begin + int(rng.integers(1, 64)))


def _flipped(rng, data):
    if not data:
        return data
    place = int(rng.integers(len(data)))
    return data[:place] + bytes([data[place] ^ 1 << int(rng.integers(8))]) + data[place + 1 :]


def _overwritten(rng, data):
    begin, end = _span(rng, data)
    return data[:begin] + rng.bytes(end - begin) + data[end:]


def _cut(rng, data):
    return data[: int(rng.integers(len(data) + 1))]


def _removed(rng, data):
    begin, end = _span(rng, data)
    return data[:begin] + data[end:]


def _repeated(rng, data):
    begin, end = _span(rng, data)
    return data[:end] + data[begin:end] + data[end:]


def _number(rng, data):
    size, order = pick(rng, (1, 2, 4, 8)), pick(rng, ("little", "big"))
    place = int(rng.integers(len(data) + 1))
    number = pick(rng, INTERESTING) % (1 << 8 * size)
    return data[:place] + number.to_bytes(size, order) + data[place + size :]


def hostile_value(rng, old):
    """Something to put in the place of a value of a JSON document."""
    deep = []
    for _ in range(40):
        deep = [deep]
    values = [None, True, False, "", "false", "a" * 5000, "\x1b[2J\n", "\ud800", -1, 0, 1, 3, 10**30, -(10**30)]
    values += [0.5, 1.5, -0.0, 1e308, float("nan"), float("inf"), [], {}, [[]], {"a": {"b": []}}, deep, [1] * 1000]
    if isinstance(old, (int, float)) and not isinstance(old, bool):
        values += [old + 1, old - 1, old * 2, float(old), str(old), [old], -old]
    if isinstance(old, (list, str)):
        values += [old * 2, old[:-1], old[::-1], [old], {"0": old}]
    if isinstance(old, dict):
        values += [list(old), list(old.items()), str(old)]
    return pick(rng, values)


def mutated_json(rng, document):
    """A copy of a document in which one to three entries are replaced, removed, renamed, exchanged or added."""
    document = copy.deepcopy(document)
    for _ in range(int(rng.integers(1, 4))):
        containers = list(_containers(document))
        if not containers:
            break
        container = pick(rng, containers)
        keys = list(container) if isinstance(container, dict) else list(range(len(container)))
        if not keys:
            continue
        key, other = pick(rng, keys), pick(rng, keys)
        action = rng.integers(8)
        if action == 0:
            del container[key]
        elif action == 1 and isinstance(container, dict):
            container[hostile_name(rng, key)] = container.pop(key)
        elif action == 2:
            container[key], container[other] = container[other], container[key]
        elif action == 3 and isinstance(container, dict):
            container[hostile_name(rng, key)] = hostile_value(rng, None)
        else:
            container[key] = hostile_value(rng, container[key])
    return document


def hostile_name(rng, name):
    """A name that is like another, or like none."""
    return pick(rng, (name + "_", name[:-1], name.upper(), "", "a" * 3000, "\0", "__class__", "größe"))


def _containers(value):
    """The objects and lists in a value, itself included; those that lie outside more often than those inside."""
    level = [value]
    while level:
        yield from level
        inner = [item for v in level for item in (v.values() if isinstance(v, dict) else v)]
        level = [item for item in inner if isinstance(item, (dict, list)) and item][:200]


def unpacked(data):
    """Header and tensors of a safetensors file."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def packed(header, tensors):
    """A safetensors file of any header."""
    text = json.dumps(header).encode("utf-8", "backslashreplace")
    return len(text).to_bytes(8, "little") + text + tensors


def mutated_table(rng, header, tensors):
    """A file in whose table of tensors something is wrong: a type, a shape, a place, a name."""
    header = copy.deepcopy(header)
    names = [name for name in header if name != "__metadata__"]
    for _ in range(int(rng.integers(1, 3))):
        entry, other = header[pick(rng, names)], header[pick(rng, names)]
        if not isinstance(entry, dict) or not isinstance(other, dict):
            continue
        action = rng.integers(7)
        if action == 0:
            entry["dtype"] = pick(
                rng, ("F16", "F64", "I64", "BF16", "F8_E4M3", "C64", "U8", "BOOL", "F4", "", None, 5, ["F32"])
            )
        elif action == 1:
            entry["shape"] = pick(
                rng, ([], [0], [1, 1], [-1], [10**30], [2**62, 2**62], ["3"], None, [1] * 5000, [True], [3.0])
            )
        elif action == 2 and entry.get("shape"):
            entry["shape"] = entry["shape"][::-1]
        elif action == 3:
            entry["data_offsets"] = pick(rng, ([0, 0], [0, 10**30], [-4, 4], [4], None, [8, 4], [0.0, 4.0], "04"))
        elif action == 4:
            entry.update(copy.deepcopy(other))
        elif action == 5:
            entry.pop(pick(rng, list(entry)) if entry else "", None)
        else:
            name = pick(rng, names)
            header[hostile_name(rng, name)] = header.pop(name, {})
            names = [name for name in header if name != "__metadata__"]
    return packed(header, tensors if rng.integers(3) else mutated_bytes(rng, tensors))
