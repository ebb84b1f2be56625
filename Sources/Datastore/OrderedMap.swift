/// A map sorted by the keys' UTF-8 bytes.
///
/// Two levels: a row of short sorted chunks. Finding takes O(log n), inserting and removing move at most one
/// chunk and the list of chunks; for the sizes held in memory here (up to some 100,000 keys) that costs less
/// than a tree, and a pair takes its own size and no more.
struct OrderedMap<Value: Sendable>: Sendable {
    typealias Element = (key: String, value: Value)

    private static var chunkLimit: Int { 256 }

    /// Sorted, and none is empty.
    private var chunks: [[Element]] = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    init() {}

    subscript(key: String) -> Value? {
        get {
            let at = position(of: key)
            return at.isFound ? chunks[at.chunk][at.offset].value : nil
        }
        set {
            let at = position(of: key)
            switch (newValue, at.isFound) {
            case (let value?, true): chunks[at.chunk][at.offset].value = value
            case (let value?, false): insert((key, value), at)
            case (nil, true): remove(at)
            case (nil, false): break
            }
        }
    }

    mutating func removeAll() {
        chunks = []
        count = 0
    }

    /// The pairs in order, beginning with the first key at or after `key`, or strictly after it.
    func elements(from key: String, inclusive: Bool = true) -> Iterator {
        let at = position(of: key)
        return Iterator(
            chunks: chunks, chunk: at.chunk, offset: at.offset + (at.isFound && !inclusive ? 1 : 0))
    }

    struct Iterator: IteratorProtocol, Sequence {
        fileprivate let chunks: [[Element]]
        fileprivate var chunk: Int
        fileprivate var offset: Int

        mutating func next() -> Element? {
            while chunk < chunks.count, offset >= chunks[chunk].count { (chunk, offset) = (chunk + 1, 0) }
            guard chunk < chunks.count else { return nil }
            defer { offset += 1 }
            return chunks[chunk][offset]
        }
    }

    private struct Position {
        var chunk: Int
        var offset: Int
        var isFound: Bool
    }

    /// Where `key` is, or where it belongs: in the first chunk whose last key is not before it.
    private func position(of key: String) -> Position {
        let chunk = firstIndex(chunks.count) {
            KeyOrder.compare(chunks[$0][chunks[$0].count - 1].key, key) >= 0
        }
        guard chunk < chunks.count else { return Position(chunk: chunk, offset: 0, isFound: false) }
        let pairs = chunks[chunk]
        let offset = firstIndex(pairs.count) { KeyOrder.compare(pairs[$0].key, key) >= 0 }
        return Position(chunk: chunk, offset: offset, isFound: KeyOrder.compare(pairs[offset].key, key) == 0)
    }

    /// Binary search: the first index below `count` that fulfils a condition which never becomes false again.
    private func firstIndex(_ count: Int, where isReached: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isReached(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private mutating func insert(_ element: Element, _ at: Position) {
        count += 1
        guard at.chunk < chunks.count else { return append(element) }
        chunks[at.chunk].insert(element, at: at.offset)
        guard chunks[at.chunk].count > Self.chunkLimit else { return }
        let half = chunks[at.chunk].count / 2
        chunks.insert(Array(chunks[at.chunk][half...]), at: at.chunk + 1)
        chunks[at.chunk].removeSubrange(half...)
    }

    /// Keys that arrive in order fill their chunks to the limit.
    private mutating func append(_ element: Element) {
        if let last = chunks.indices.last, chunks[last].count < Self.chunkLimit {
            chunks[last].append(element)
        } else {
            chunks.append([element])
        }
    }

    private mutating func remove(_ at: Position) {
        count -= 1
        chunks[at.chunk].remove(at: at.offset)
        if chunks[at.chunk].isEmpty { chunks.remove(at: at.chunk) }
    }
}
