"""Reads what an ELF file says to the dynamic linker (64-bit, as the System V ABI describes it)."""

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path

_HEADER = struct.Struct("<4s5B7x2HI3QI6H")
_SEGMENT = struct.Struct("<2I6Q")  # p_type, p_flags, p_offset, p_vaddr, ..., p_filesz, ...
_ENTRY = struct.Struct("<qQ")  # d_tag, d_un
_SYMBOL = struct.Struct("<IBBH2Q")  # st_name, ...
_RELOCATION = struct.Struct("<2Qq")  # r_offset, r_info, r_addend

_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NEEDED, _DT_PLTRELSZ, _DT_STRTAB, _DT_SYMTAB, _DT_RELA, _DT_RELASZ = 1, 2, 5, 6, 7, 8
_DT_SONAME, _DT_JMPREL, _DT_RELACOUNT = 14, 23, 0x6FFFFFF9


# No name of a function or a library is longer: what is, is none.
_LONGEST_NAME = 4096

# What reading raises where an offset or a size in the file says what is not so.
_BROKEN = (struct.error, KeyError, OverflowError, ValueError)


class ElfError(ValueError):
    """The file is none that is read here."""


class Elf:
    """A program or shared library. To be used in a ``with``, which closes the file.

    Raises:
        OSError: the file cannot be read.
        ElfError: it is no 64-bit ELF file, or not a whole one.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = path
        try:
            with open(path, "rb", opener=_open_at_once) as file:
                self._bytes = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        except ValueError as error:  # an empty file, or no path
            raise ElfError(f"{path}: {error}") from error
        try:
            self._read_headers()
        except _BROKEN as error:
            self._bytes.close()
            raise self._broken(error) from error

    def __enter__(self) -> "Elf":
        return self

    def __exit__(self, *exception: object) -> None:
        self._bytes.close()

    def _read_headers(self) -> None:
        magic, bits, order, *_ = header = _HEADER.unpack_from(self._bytes)
        if (magic, bits, order) != (b"\x7fELF", 2, 1):
            raise KeyError("magic")
        start, size, count = header[10], header[14], header[15]
        segments = [_SEGMENT.unpack_from(self._bytes, start + i * size) for i in range(count)]
        self._loads = [segment for segment in segments if segment[0] == _PT_LOAD]
        needed: list[int] = []
        self._dynamic: dict[int, int] = {}
        for kind, _, offset, _, _, length, *_ in segments:
            if kind == _PT_DYNAMIC:
                for tag, value in _ENTRY.iter_unpack(self._bytes[offset : offset + length]):
                    if tag == _DT_NEEDED:
                        needed.append(value)
                    else:
                        self._dynamic.setdefault(tag, value)
        self._strings = self._offset(self._dynamic[_DT_STRTAB]) if self._dynamic else 0
        soname = self._dynamic.get(_DT_SONAME)
        # The name by which other libraries ask for this one, and those that this one asks for.
        self.soname = None if soname is None else self._string(soname)
        self.needed = tuple(self._string(index) for index in needed)

    def _offset(self, address: int) -> int:
        for _, _, offset, start, _, length, *_ in self._loads:
            if start <= address < start + length:
                return int(offset + address - start)
        raise KeyError(hex(address))

    def _string(self, index: int) -> str:
        start = self._strings + index
        end = self._bytes.find(b"\0", start, start + _LONGEST_NAME)
        if end < start:
            raise KeyError(index)
        return self._bytes[start:end].decode(errors="replace")

    def _broken(self, error: Exception) -> ElfError:
        return ElfError(f"{self._path}: not a whole 64-bit ELF file ({error!r})")

    def imports(self, prefixes: tuple[str, ...]) -> Iterator[str]:
        """Yield the names with such a beginning of the functions of others' that are called.

        Raises:
            ElfError: what the file says of them is not so.
        """
        try:
            yield from self._imports(prefixes)
        except _BROKEN as error:
            raise self._broken(error) from error

    def _imports(self, prefixes: tuple[str, ...]) -> Iterator[str]:
        symbols = self._offset(self._dynamic[_DT_SYMTAB])
        tables = (
            (_DT_JMPREL, _DT_PLTRELSZ, 0),
            (_DT_RELA, _DT_RELASZ, self._dynamic.get(_DT_RELACOUNT, 0)),
        )
        for start, length, skipped in tables:
            if start not in self._dynamic:
                continue
            begin = self._offset(self._dynamic[start])
            table = self._bytes[begin : begin + self._dynamic[length]]
            for _, info, _ in _RELOCATION.iter_unpack(table[skipped * _RELOCATION.size :]):
                symbol = info >> 32
                if symbol:
                    at = symbols + symbol * _SYMBOL.size
                    name = self._string(_SYMBOL.unpack_from(self._bytes, at)[0])
                    if name.startswith(prefixes):
                        yield name


def _open_at_once(path: str, flags: int) -> int:
    """Open what may be no file: a pipe would be waited for."""
    return os.open(path, flags | os.O_NONBLOCK)
