"""Reads what an ELF file says to the dynamic linker (64-bit, as the System V ABI describes it)."""

import mmap
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


class ElfError(ValueError):
    """The file is none that is read here."""


class Elf:
    """A program or shared library. To be used in a ``with``, which closes the file.

    Raises:
        OSError: the file cannot be read.
        ElfError: it is no 64-bit ELF file, or not a whole one.
    """

    def __init__(self, path: str | Path) -> None:
        with open(path, "rb") as file:
            try:
                self._bytes = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
            except ValueError as error:  # an empty file
                raise ElfError(f"{path}: {error}") from error
        try:
            self._read_headers()
        except (struct.error, KeyError) as error:
            self._bytes.close()
            raise ElfError(f"{path}: not a whole 64-bit ELF file ({error!r})") from error

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
        self._needed: list[int] = []
        self._dynamic: dict[int, int] = {}
        for kind, _, offset, _, _, length, *_ in segments:
            if kind == _PT_DYNAMIC:
                for tag, value in _ENTRY.iter_unpack(self._bytes[offset : offset + length]):
                    if tag == _DT_NEEDED:
                        self._needed.append(value)
                    else:
                        self._dynamic.setdefault(tag, value)
        self._strings = self._offset(self._dynamic[_DT_STRTAB]) if self._dynamic else 0

    def _offset(self, address: int) -> int:
        for _, _, offset, start, _, length, *_ in self._loads:
            if start <= address < start + length:
                return int(offset + address - start)
        raise KeyError(hex(address))

    def _string(self, index: int) -> str:
        start = self._strings + index
        return self._bytes[start : self._bytes.find(b"\0", start)].decode(errors="replace")

    @property
    def soname(self) -> str | None:
        """The name by which other libraries ask for this one."""
        index = self._dynamic.get(_DT_SONAME)
        return None if index is None else self._string(index)

    @property
    def needed(self) -> tuple[str, ...]:
        """The names of the libraries that this one asks for."""
        return tuple(self._string(index) for index in self._needed)

    def imports(self, prefixes: tuple[str, ...]) -> Iterator[str]:
        """Yield the names with such a beginning of the functions of others' that are called."""
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
