import Synchronization

/// What one manager owns of an object, as text: an entry of `managedFields` without its time and its closing brace.
///
/// Objects of one making (the pods of a ReplicaSet, the objects of a chart) have the same entries but for the time, or
/// differ only in the names of elements: the address of a pod, the uid of an owner. So equal claims are one object in
/// memory, however many objects of the cluster have them, and claims that differ in such names share the rest.
final class FieldClaim: Sendable {
    private let frame: ClaimFrame
    /// The names of elements, each with a zero byte behind it.
    private let names: [UInt8]

    private init(_ frame: ClaimFrame, _ names: [UInt8]) {
        self.frame = frame
        self.names = names
    }

    /// The claim with this text.
    static func of(_ text: ArraySlice<UInt8>) -> FieldClaim {
        let (frame, names) = split(text)
        return pool.withLock { $0.claim(frame, names) }
    }

    /// Appends the text.
    func append(to bytes: inout [UInt8]) {
        guard !names.isEmpty else {
            bytes += frame.text
            return
        }
        var names = names[...]
        var rest = frame.text[...]
        while let gap = rest.firstIndex(of: 0) {
            bytes += rest[..<gap]
            rest = rest[(gap + 1)...]
            let end = names.firstIndex(of: 0) ?? names.endIndex
            bytes += names[..<end]
            names = names[end...].dropFirst()
        }
        bytes += rest
    }

    /// What the claim takes when no other is like it, and when others have its frame, in bytes of heap.
    var size: (alone: Int, shared: Int) {
        let shared = 32 + (names.isEmpty ? 0 : 32 + names.count)
        return (shared + 24 + 32 + frame.text.count, shared)
    }

    /// Takes the texts that begin with `k:` or `v:` out, leaving a zero byte for each. JSON has none of its own.
    private static func split(_ text: ArraySlice<UInt8>) -> (frame: [UInt8], names: [UInt8]) {
        text.withUnsafeBufferPointer { text in
            var (frame, names): ([UInt8], [UInt8]) = ([], [])
            // What is copied to the frame when the next name is met, or the end: this runs at every write.
            var (kept, position) = (0, 0)
            while position < text.count {
                guard text[position] == UInt8(ascii: "\"") else {
                    position += 1
                    continue
                }
                let start = position + 1
                position = start
                while position < text.count, text[position] != UInt8(ascii: "\"") {
                    position += text[position] == UInt8(ascii: "\\") ? 2 : 1
                }
                let end = min(position, text.count)
                if end - start >= 2, text[start + 1] == UInt8(ascii: ":"),
                    text[start] == UInt8(ascii: "k") || text[start] == UInt8(ascii: "v")
                {
                    frame += text[kept..<start]
                    frame.append(0)
                    names += text[start..<end]
                    names.append(0)
                    kept = end
                }
                position += 1
            }
            frame += text[min(kept, text.count)...]
            return (frame, names)
        }
    }

    private static let pool = Mutex(Pool())

    /// The claims that are in use, and some that were.
    private struct Pool {
        private var claims: [Int: FieldClaim] = [:]
        private var frames: [Int: ClaimFrame] = [:]
        private var sweepCount = 1024

        mutating func claim(_ text: [UInt8], _ names: [UInt8]) -> FieldClaim {
            let frame = frame(text)
            var hasher = Hasher()
            hasher.combine(ObjectIdentifier(frame))
            names.withUnsafeBytes { hasher.combine(bytes: $0) }
            let hash = hasher.finalize()
            // Of two with one hash the second is not shared; it happens once in a life.
            if let known = claims[hash] {
                return known.frame === frame && known.names == names ? known : FieldClaim(frame, names)
            }
            if claims.count >= sweepCount { sweep() }
            let claim = FieldClaim(frame, names)
            claims[hash] = claim
            return claim
        }

        private mutating func frame(_ text: [UInt8]) -> ClaimFrame {
            var hasher = Hasher()
            text.withUnsafeBytes { hasher.combine(bytes: $0) }
            let hash = hasher.finalize()
            if let known = frames[hash] { return known.text == text ? known : ClaimFrame(text) }
            let frame = ClaimFrame(text)
            frames[hash] = frame
            return frame
        }

        /// Forgets what only the pool still has. It runs when the pool has doubled, so its cost is spread over what
        /// filled it.
        private mutating func sweep() {
            claims = Self.used(claims)
            frames = Self.used(frames)
            sweepCount = max(1024, claims.count * 2)
        }

        private static func used<Text: AnyObject>(_ texts: consuming [Int: Text]) -> [Int: Text] {
            var unused: [Int] = []
            for index in texts.values.indices where isKnownUniquelyReferenced(&texts.values[index]) {
                unused.append(texts.keys[index])
            }
            for hash in unused { texts[hash] = nil }
            return texts
        }
    }
}

/// The text of claims without the names of elements.
private final class ClaimFrame: Sendable {
    let text: [UInt8]
    init(_ text: [UInt8]) { self.text = text }
}

extension FieldClaim: Hashable {
    static func == (a: FieldClaim, b: FieldClaim) -> Bool {
        a === b || (a.frame.text == b.frame.text && a.names == b.names)
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(frame.text)
        hasher.combine(names)
    }
}
