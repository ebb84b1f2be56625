import Runtime
import Support

/// When room must be made of images, and how much (`imageGCHighThresholdPercent` and its like).
public struct ImageLimits: Hashable, Sendable {
    /// Percent of the disk that may be used before images go.
    public var high = 85
    /// Percent that is to be used afterwards.
    public var low = 80
    /// An image that is here for less stays.
    public var minimumAge: Duration = .seconds(120)
    /// An image that nobody has used for longer goes, whatever the disk says; `nil` for never.
    public var maximumAge: Duration?

    public init() {}

    /// How long nothing is tried after images were removed, or could not be: Kubernetes' five minutes, or the greatest age
    /// where that is less, so that an image is never here for twice as long as it may be.
    var pause: Duration { min(.seconds(300), maximumAge ?? .seconds(300)) }

    /// How many bytes must go; `nil` while there is room.
    func excess(capacity: Int64, available: Int64) -> Int64? {
        guard capacity > 0 else { return nil }
        let percent = 100 - Int64(Int128(max(available, 0)) * 100 / Int128(capacity))
        guard percent >= Int64(high) else { return nil }
        return Int64(clamping: Int128(capacity) * Int128(100 - low) / 100 - Int128(available))
    }
}

/// Remembers since when images are here and when each was last used, and names those that can go.
///
/// Pure. After a restart all images are new, which costs a little time and no image that is wanted.
struct ImageLedger: Sendable {
    private struct Entry: Sendable {
        var seen: Timestamp
        var used: Timestamp?
    }

    private var entries: [String: Entry] = [:]

    /// A container starts with the image of this id.
    mutating func use(_ id: String, now: Timestamp) { entries[id, default: Entry(seen: now)].used = now }

    /// The images that can go, those first that nobody used for longest, until `bytes` are free (`nil`: all that can);
    /// and with them those past the greatest age. `references` is what is in use, under any name.
    mutating func victims(
        _ images: [CRI.Image], inUse references: Set<String>, toFree bytes: Int64?, _ limits: ImageLimits,
        now: Timestamp
    ) -> [CRI.Image] {
        let present = Set(images.map(\.id))
        entries = entries.filter { present.contains($0.key) }
        var candidates: [(image: CRI.Image, entry: Entry)] = []
        for image in images {
            let names = [image.id] + image.repoTags + image.repoDigests
            if !references.isDisjoint(with: names) { use(image.id, now: now) }
            let entry = entries[image.id] ?? Entry(seen: now)
            entries[image.id] = entry
            guard !image.pinned, entry.used != now, now - entry.seen >= limits.minimumAge else { continue }
            candidates.append((image, entry))
        }
        candidates.sort { a, b in
            let (one, other) = (a.entry, b.entry)
            return (one.used ?? one.seen, one.seen, a.image.id) < (other.used ?? other.seen, other.seen, b.image.id)
        }
        var freed = Int128(0)
        return candidates.filter { image, entry in
            let isOld = limits.maximumAge.map { now - (entry.used ?? entry.seen) > $0 } ?? false
            guard isOld || bytes.map({ freed < Int128($0) }) ?? true else { return false }
            freed += Int128(image.size)
            return true
        }.map(\.image)
    }
}
