"""Merkle trees hash and prove as RFC 6962 and RFC 9162 say."""

from base64 import b64decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wallet import merkle

# The leaves of Certificate Transparency's own test vectors, the roots of its first n of them, and
# paths that other implementations publish.
INPUTS = [
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = [
    (0, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
    (5, 8, ["bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (1, 5, ["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"]),
]  # fmt: skip
CONSISTENCY = [
    (1, 1, []),
    (1, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
    (6, 8, ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]),
    (2, 5, ["5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"]),
]  # fmt: skip
LEAVES = [merkle.leaf_hash(bytes.fromhex(text)) for text in INPUTS]
MANY = [merkle.leaf_hash(bytes([number])) for number in range(66)]

sizes = st.integers(1, len(MANY))


def recursive(leaves: list[bytes]) -> bytes:
    """MTH as RFC 6962, 2.1 defines it."""
    if len(leaves) == 1:
        return leaves[0]
    middle = merkle.split(len(leaves))
    return merkle.node_hash(recursive(leaves[:middle]), recursive(leaves[middle:]))


def in_hex(path: list[bytes]) -> list[str]:
    return [digest.hex() for digest in path]


class TestVectors:
    @pytest.mark.parametrize("size", range(1, 9))
    def test_give_roots(self, size: int) -> None:
        assert merkle.root(LEAVES[:size]).hex() == ROOTS[size - 1]

    def test_give_the_root_of_nothing(self) -> None:
        assert merkle.root([]) == b64decode("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")

    @pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
    def test_give_inclusion_paths(self, index: int, size: int, path: list[str]) -> None:
        assert in_hex(merkle.inclusion_path(index, size, merkle.kept_in(LEAVES))) == path

    @pytest.mark.parametrize(("old", "new", "path"), CONSISTENCY)
    def test_give_consistency_paths(self, old: int, new: int, path: list[str]) -> None:
        assert in_hex(merkle.consistency_path(old, new, merkle.kept_in(LEAVES))) == path


class TestATree:
    @pytest.mark.parametrize("size", range(1, len(MANY) + 1))
    def test_of_any_size_has_the_root_of_the_definition(self, size: int) -> None:
        assert merkle.root(MANY[:size]) == recursive(MANY[:size])

    def test_that_is_complete_has_the_same_root(self) -> None:
        assert merkle.complete_root(MANY[:64]) == recursive(MANY[:64])

    @pytest.mark.parametrize("size", range(1, len(MANY) + 1))
    def test_includes_each_of_its_leaves_at_its_place_alone(self, size: int) -> None:
        root, subtree = merkle.root(MANY[:size]), merkle.kept_in(MANY[:size])
        for index in range(size):
            path = merkle.inclusion_path(index, size, subtree)
            tried = {index - 1, index, index + 1, index ^ 1, 0, size - 1, size}
            told = {"leaf": MANY[index], "root": root}
            found = {at for at in tried if merkle.includes(index=at, size=size, path=path, **told)}
            assert found == {index}

    @settings(max_examples=50)
    @given(old=sizes, new=sizes)
    def test_begins_with_every_smaller_one(self, old: int, new: int) -> None:
        old, new = sorted([old, new])
        path = merkle.consistency_path(old, new, merkle.kept_in(MANY))

        assert consistent(old, new, path)

    @pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 4), (4, 4)])
    def test_has_no_path_to_what_it_lacks(self, index: int, size: int) -> None:
        with pytest.raises(ValueError, match="no leaf"):
            merkle.inclusion_path(index, size, merkle.kept_in(MANY))

    @pytest.mark.parametrize(("old", "new"), [(0, 4), (5, 4), (-1, 4)])
    def test_begins_with_no_larger_one(self, old: int, new: int) -> None:
        with pytest.raises(ValueError, match="no beginning"):
            merkle.consistency_path(old, new, merkle.kept_in(MANY))


def consistent(old: int, new: int, path: list[bytes], **other: bytes) -> bool:
    roots = {"old_root": merkle.root(MANY[:old]), "new_root": merkle.root(MANY[:new])}
    return merkle.is_consistent(old=old, new=new, path=path, **roots | other)


def spoiled(path: list[bytes]) -> list[list[bytes]]:
    """Return what somebody might offer instead of the path."""
    flipped = [
        [*path[:at], bytes([path[at][0] ^ 1]) + path[at][1:], *path[at + 1 :]]
        for at in range(len(path))
    ]
    return [*flipped, [*path, MANY[0]], *([path[:-1], path[1:], path[::-1]] if path else [])]


class TestTampering:
    @settings(max_examples=50)
    @given(size=sizes, data=st.data())
    def test_with_an_inclusion_is_refused(self, size: int, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, size - 1))
        root = merkle.root(MANY[:size])
        path = merkle.inclusion_path(index, size, merkle.kept_in(MANY))
        told = {"leaf": MANY[index], "root": root}

        for other in spoiled(path):
            assert other == path or not merkle.includes(index=index, size=size, path=other, **told)
        for lie in ("leaf", "root"):
            lied = told | {lie: bytes(32)}
            assert not merkle.includes(index=index, size=size, path=path, **lied)

    @settings(max_examples=50)
    @given(old=sizes, new=sizes)
    def test_with_a_consistency_is_refused(self, old: int, new: int) -> None:
        old, new = sorted([old, new])
        path = merkle.consistency_path(old, new, merkle.kept_in(MANY))

        for other in spoiled(path):
            assert other == path or not consistent(old, new, other)
        assert not consistent(old, new, path, old_root=bytes(32))
        assert not consistent(old, new, path, new_root=bytes(32))
        assert not merkle.is_consistent(
            old=0, new=new, old_root=merkle.EMPTY_ROOT, new_root=merkle.root(MANY[:new]), path=[]
        )

    def test_by_passing_off_a_node_as_a_leaf_is_refused(self) -> None:
        node = MANY[0] + MANY[1]

        assert merkle.leaf_hash(node) != merkle.root(MANY[:2])
