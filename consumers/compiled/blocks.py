"""Reads and writes 64 bytes at a time by LLVM's vector operations, which become whatever the
processor has.

numba has no such operations, and LLVM does not make them from its loops over bytes. None of these
functions knows an array's end: the caller keeps a block of room behind the text.
"""

from llvmlite import ir  # type: ignore[import-untyped, import-not-found, unused-ignore]
from numba import types  # type: ignore[import-untyped, import-not-found, unused-ignore]
from numba.extending import intrinsic  # type: ignore[import-untyped, import-not-found, unused-ignore]

BLOCK = 64  # bytes that a kernel looks at or copies at a time

BYTES = ir.VectorType(ir.IntType(8), BLOCK)
WORD = ir.IntType(64)


def _pointer(context, builder, array_type, array, at, target):
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), target.as_pointer())


def _load(context, builder, array_type, array, at, target):
    loaded = builder.load(_pointer(context, builder, array_type, array, at, target))
    loaded.align = 1
    return loaded


def _all(byte):
    return ir.Constant(BYTES, [byte] * BLOCK)


def equal(builder, block, byte):
    """Which bytes are this one."""
    return builder.icmp_unsigned("==", block, _all(byte))


def among(builder, block, first, last):
    """Which bytes are from first to last: unsigned, so that one comparison will do."""
    return builder.icmp_unsigned("<", builder.sub(block, _all(first)), _all(last - first + 1))


def mask_of(which):
    """An intrinsic (text, at) -> uint64, bit k for byte at + k, from which(builder, block)."""

    @intrinsic
    def mask(typing, text, at):  # noqa: ARG001 - numba's own signature
        def generate(context, builder, signature, arguments):
            block = _load(context, builder, signature.args[0], arguments[0], arguments[1], BYTES)
            return builder.bitcast(which(builder, block), WORD)

        return types.uint64(text, types.int64), generate

    return mask


def _space(builder, block):
    """The ASCII bytes that str.split() splits at."""
    low = builder.or_(among(builder, block, 9, 13), among(builder, block, 28, 31))
    return builder.or_(low, equal(builder, block, 32))


spaces = mask_of(_space)
bangs = mask_of(lambda builder, block: equal(builder, block, ord("!")))
questions = mask_of(lambda builder, block: equal(builder, block, ord("?")))
apostrophes = mask_of(lambda builder, block: equal(builder, block, ord("'")))


@intrinsic
def lower(typing, text, low, at):  # noqa: ARG001
    """Write the block of `text` at `at` to `low`, ASCII letters in lower case."""

    def generate(context, builder, signature, arguments):
        array, target, position = arguments
        block = _load(context, builder, signature.args[0], array, position, BYTES)
        raised = builder.select(among(builder, block, ord("A"), ord("Z")), _all(32), _all(0))
        pointer = _pointer(context, builder, signature.args[1], target, position, BYTES)
        builder.store(builder.add(block, raised), pointer).align = 1
        return context.get_dummy_value()

    return types.void(text, low, types.int64), generate


@intrinsic
def copy_block(typing, source, at, target, to):  # noqa: ARG001
    """Copy the block of `source` at `at` to `to` in `target`."""

    def generate(context, builder, signature, arguments):
        block = _load(context, builder, signature.args[0], arguments[0], arguments[1], BYTES)
        pointer = _pointer(context, builder, signature.args[2], arguments[2], arguments[3], BYTES)
        builder.store(block, pointer).align = 1
        return context.get_dummy_value()

    return types.void(source, types.int64, target, types.int64), generate


@intrinsic
def eight(typing, text, at):  # noqa: ARG001
    """The eight bytes at `at` as one uint64."""

    def generate(context, builder, signature, arguments):
        return _load(context, builder, signature.args[0], arguments[0], arguments[1], WORD)

    return types.uint64(text, types.int64), generate


@intrinsic
def lowest(typing, mask):  # noqa: ARG001
    """The number of the lowest bit set; of a mask that is not 0."""

    def generate(context, builder, signature, arguments):  # noqa: ARG001
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


@intrinsic
def ones(typing, mask):  # noqa: ARG001
    """How many bits are set."""

    def generate(context, builder, signature, arguments):  # noqa: ARG001
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


@intrinsic
def borrowed(typing, arrays):  # noqa: ARG001
    """The named tuple's arrays without their owners, so that using one counts no references: that
    is atomic and costs more than the use itself. The caller keeps the owners alive meanwhile.
    """

    def generate(context, builder, signature, arguments):
        bare = []
        for index, array_type in enumerate(arrays.types):
            array = context.make_array(array_type)(
                context, builder, builder.extract_value(arguments[0], index)
            )
            array.meminfo = ir.Constant(array.meminfo.type, None)
            array.parent = ir.Constant(array.parent.type, None)
            bare.append(array._getvalue())
        return context.make_tuple(builder, signature.return_type, bare)

    return arrays(arrays), generate
