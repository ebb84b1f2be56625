#if canImport(Glibc)
    import Glibc
#endif

/// Many types in one block of read-only bytes, read in place: no heap, no start-up work.
///
/// The types of the built-in kinds are such a block inside the binary; the schema of a custom resource is
/// compiled into one at run time by ``SchemaBuilder``, which also documents the layout. Handles
/// (``TypeSchema``, ``FieldSchema``) are a table and an offset, so they are cheap to copy and compare.
public struct SchemaTable: @unchecked Sendable {
    // Sendable: nobody writes to the bytes after `init`, and `owner`, which is immutable too, keeps them
    // alive.
    let base: UnsafeRawPointer
    private let owner: Block?
    /// Where the sections begin, as the header says.
    private let typesStart: Int
    private let fieldsStart: Int
    private let listsStart: Int
    private let textsStart: Int

    /// Reads a table that lives as long as the process, such as a constant array of a C target.
    ///
    /// The bytes must come from ``SchemaBuilder``; they are trusted.
    public init(static bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count >= Layout.headerSize else {
            preconditionFailure("a schema table has a header")
        }
        self.init(base: base, owner: nil)
    }

    /// Takes over the bytes that ``SchemaBuilder/build()`` returned.
    public init(_ bytes: [UInt8]) {
        precondition(bytes.count >= Layout.headerSize, "a schema table has a header")
        let block = Block(copying: bytes)
        self.init(base: UnsafeRawPointer(block.pointer), owner: block)
    }

    private init(base: UnsafeRawPointer, owner: Block?) {
        func word(_ offset: Int) -> Int {
            Int(UInt32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        }
        precondition(word(0) == Int(Layout.magic), "the bytes are no schema table of this version")
        self.base = base
        self.owner = owner
        typesStart = word(Layout.types)
        fieldsStart = word(Layout.fields)
        listsStart = word(Layout.lists)
        textsStart = word(Layout.texts)
    }

    /// Whether the wire form follows proto3 (CRI, etcd): zero scalars are left out, repeated numbers are
    /// packed. Otherwise it is proto2 as Kubernetes writes it: scalars that are no pointers are always there.
    public var isProto3: Bool { word(Layout.flags) & 1 != 0 }

    /// All types, ordered by the bytes of their names.
    public var types: [TypeSchema] { (0..<typeCount).map { TypeSchema(table: self, index: $0) } }

    /// The number of types; their indices are 0 ..< this.
    public var typeCount: Int { Int(word(Layout.typeCount)) }

    /// The type called `name`, for example `io.k8s.api.core.v1.Pod` or `runtime.v1.PodSandboxConfig`.
    public func type(named name: String) -> TypeSchema? {
        var (low, high) = (0, typeCount)
        while low < high {
            let middle = (low + high) / 2
            let type = TypeSchema(table: self, index: middle)
            let order = compare(text: type.word(0), with: name)
            if order == 0 { return type }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// Bytes that live on the heap until the last handle into them is gone.
    private final class Block: Sendable {
        // Sendable: written before `init` returns, never after.
        nonisolated(unsafe) let pointer: UnsafeMutableRawPointer

        init(copying bytes: [UInt8]) {
            pointer = .allocate(byteCount: bytes.count, alignment: 4)
            UnsafeMutableRawBufferPointer(start: pointer, count: bytes.count).copyBytes(from: bytes)
        }

        deinit { pointer.deallocate() }
    }
}

// MARK: - Reading words and texts

extension SchemaTable {
    /// The layout of a table, shared with ``SchemaBuilder``. All numbers are little-endian 32-bit words.
    enum Layout {
        static let magic: UInt32 = 0x3142_5453  // "STB1"
        // Offsets of the header's words.
        static let flags = 4
        static let typeCount = 8
        static let types = 12
        static let fields = 16
        static let lists = 20
        static let texts = 24
        static let headerSize = 28
        // Bytes per record.
        static let typeSize = 20
        static let fieldSize = 20
        static let extrasWords = 6
        /// In place of a text's length: it stands behind, in 32 bits.
        static let longText = 0xFFFF
    }

    @inline(__always)
    func word(_ offset: Int) -> UInt32 {
        UInt32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// Where the list at `reference` stands: a word with its count, then its words. References to lists and
    /// texts are offsets into their sections.
    func offset(ofList reference: UInt32) -> Int { listsStart + Int(reference) }

    /// Where the record of a type, or of a field, stands.
    @inline(__always)
    func offset(ofType index: Int) -> Int { typesStart + index * Layout.typeSize }
    @inline(__always)
    func offset(ofField index: Int) -> Int { fieldsStart + index * Layout.fieldSize }

    /// The UTF-8 bytes of the text at `reference`; they live as long as the table.
    func bytes(ofText reference: UInt32) -> UnsafeRawBufferPointer {
        let start = textsStart + Int(reference)
        let count = Int(UInt16(littleEndian: base.loadUnaligned(fromByteOffset: start, as: UInt16.self)))
        guard count == Layout.longText else { return UnsafeRawBufferPointer(start: base + start + 2, count: count) }
        let longCount = UInt32(littleEndian: base.loadUnaligned(fromByteOffset: start + 2, as: UInt32.self))
        return UnsafeRawBufferPointer(start: base + start + 6, count: Int(longCount))
    }

    func text(_ reference: UInt32) -> String { String(decoding: bytes(ofText: reference), as: UTF8.self) }

    func texts(_ reference: UInt32) -> [String] {
        let start = offset(ofList: reference)
        return (0..<Int(word(start))).map { text(word(start + 4 + 4 * $0)) }
    }

    /// Negative, zero or positive as the text at `reference` comes before, is, or comes after `name` in byte
    /// order.
    func compare(text reference: UInt32, with name: String) -> Int {
        var name = name
        return name.withUTF8 { compare(text: reference, with: UnsafeRawBufferPointer($0)) }
    }

    @inline(__always)
    func compare(text reference: UInt32, with name: UnsafeRawBufferPointer) -> Int {
        let text = bytes(ofText: reference)
        guard let a = text.baseAddress, let b = name.baseAddress else { return text.count - name.count }
        let order = memcmp(a, b, min(text.count, name.count))
        return order == 0 ? text.count - name.count : Int(order)
    }
}
