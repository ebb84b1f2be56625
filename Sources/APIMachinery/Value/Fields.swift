#if canImport(Glibc)
    import Glibc
#endif

/// The fields of a JSON object, ordered by the UTF-8 bytes of their names, each name once.
///
/// The order is what makes an encoding canonical: equal objects have equal bytes. Objects of the API have few fields,
/// so a sorted array is smaller and faster than a hash table. Look-up is O(log n), insertion O(n).
public struct Fields: Hashable, Sendable {
    @usableFromInline var entries: [Entry]

    @usableFromInline struct Entry: Hashable, Sendable {
        @usableFromInline var key: String
        @usableFromInline var value: Value
        @usableFromInline init(key: String, value: Value) {
            self.key = key
            self.value = value
        }
    }

    public init() { entries = [] }

    /// Of equal names the last one counts.
    public init(_ pairs: [(String, Value)]) {
        self.init(unsorted: pairs.map { Entry(key: $0.0, value: $0.1) })
    }

    /// Takes entries that are in order, each name once.
    init(sorted: [Entry]) { entries = sorted }

    init(unsorted: [Entry]) {
        entries = unsorted
        for index in entries.indices.dropFirst()
        where Self.compare(entries[index - 1].key, entries[index].key) >= 0 {
            sortAndUnique()
            break
        }
    }

    public subscript(key: String) -> Value? {
        get {
            let (index, isFound) = position(of: key)
            return isFound ? entries[index].value : nil
        }
        set {
            let (index, isFound) = position(of: key)
            switch (newValue, isFound) {
            case (let value?, true): entries[index].value = value
            case (let value?, false): entries.insert(Entry(key: key, value: value), at: index)
            case (nil, true): entries.remove(at: index)
            case (nil, false): break
            }
        }
    }

    /// Changes the value of `key` in place, without a copy of it; `nil`, and no call, when there is no such field.
    @discardableResult
    public mutating func update<R, E: Error>(
        _ key: String, _ change: (inout Value) throws(E) -> R
    ) throws(E) -> R? {
        let (index, isFound) = position(of: key)
        return isFound ? try change(&entries[index].value) : nil
    }

    public var keys: [String] { entries.map(\.key) }

    public mutating func removeAll(where shouldRemove: (String, Value) -> Bool) {
        entries.removeAll { shouldRemove($0.key, $0.value) }
    }

    /// Replaces each value by what `transform` makes of it.
    public func mapValues<E: Error>(_ transform: (Value) throws(E) -> Value) throws(E) -> Fields {
        var copy = self
        for index in copy.entries.indices { copy.entries[index].value = try transform(copy.entries[index].value) }
        return copy
    }

    private func position(of key: String) -> (index: Int, isFound: Bool) {
        var key = key
        return key.withUTF8 { key in
            entries.withUnsafeBufferPointer { entries in
                var (low, high) = (0, entries.count)
                while low < high {
                    let middle = (low + high) / 2
                    let order = Self.compare(entries[middle].key, key)
                    if order == 0 { return (middle, true) }
                    if order < 0 { low = middle + 1 } else { high = middle }
                }
                return (low, false)
            }
        }
    }

    /// Negative, zero or positive as the bytes of `a` come before, are, or come after those of `b`.
    static func compare(_ a: String, _ b: String) -> Int {
        var b = b
        return b.withUTF8 { compare(a, $0) }
    }

    private static func compare(_ a: String, _ b: UnsafeBufferPointer<UInt8>) -> Int {
        // Where the text lies, without a hold on it, which would cost more than the comparison.
        let order = a.utf8.withContiguousStorageIfAvailable { compare($0, b) }
        if let order { return order }
        var a = a
        return a.withUTF8 { compare($0, b) }
    }

    private static func compare(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Int {
        guard let left = a.baseAddress, let right = b.baseAddress else { return a.count - b.count }
        let order = memcmp(left, right, Swift.min(a.count, b.count))
        return order == 0 ? a.count - b.count : Int(order)
    }

    private mutating func sortAndUnique() {
        // `sort` is stable, so the last of equal names stays behind the others.
        entries.sort { Self.compare($0.key, $1.key) < 0 }
        var kept: [Entry] = []
        kept.reserveCapacity(entries.count)
        for entry in entries {
            if let last = kept.last, Self.compare(last.key, entry.key) == 0 { kept.removeLast() }
            kept.append(entry)
        }
        entries = kept
    }
}

extension Fields: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { entries.count }
    public subscript(position: Int) -> (key: String, value: Value) {
        (entries[position].key, entries[position].value)
    }
}

extension Fields: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral pairs: (String, Value)...) { self.init(pairs) }
}
