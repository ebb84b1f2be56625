import Support
import Synchronization
import Wire

/// How a large document is made.
struct DocumentRecipe: Sendable {
    /// Stands for the content: what was made by a recipe of the same key is the same.
    var key: String
    /// Called on a thread of its own.
    var make: @Sendable () -> [UInt8]
}

/// Large documents: made when somebody asks, once for all who do, and kept compressed for as long as they are asked for.
///
/// Clients ask for them in bursts, when they start and after a definition has changed; then for hours nobody does, and
/// nothing is kept for nobody.
final class DocumentShelf: Sendable {
    struct Limits: Sendable {
        /// How long a document stays after it was asked for last.
        var kept = Duration.seconds(5 * 60)
        /// Compressed bytes of all together. What was asked for longest ago goes first; the newest always stays.
        var bytes = 4 << 20
    }

    private struct Entry {
        var packed: [UInt8]
        var lastUse: ContinuousClock.Instant
    }

    private struct State {
        var kept: [String: Entry] = [:]
        var waiting: [String: [CheckedContinuation<[UInt8], Never>]] = [:]
    }

    private enum Step {
        case have([UInt8])
        case wait
        case make
    }

    /// What a document unpacks to at most: there is none that is larger.
    private static let unpackedLimit = 256 << 20

    private let limits: Limits
    private let workshop: Workshop
    /// Is told how many bytes were in use while a document was made.
    private let note: @Sendable (Int) -> Void
    private let state = Mutex(State())
    private let isFilled = Bell()

    init(
        _ workshop: Workshop, _ limits: Limits = Limits(), note: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.workshop = workshop
        self.limits = limits
        self.note = note
    }

    // MARK: Taking

    /// The document in gzip, if it is there.
    func kept(_ recipe: DocumentRecipe) -> [UInt8]? { state.withLock { Self.take(recipe.key, &$0) } }

    /// The document in gzip, made if it must be.
    func packed(_ recipe: DocumentRecipe) async -> [UInt8] {
        await withCheckedContinuation { continuation in
            let step = state.withLock { state -> Step in
                if let packed = Self.take(recipe.key, &state) { return .have(packed) }
                state.waiting[recipe.key, default: []].append(continuation)
                return state.waiting[recipe.key]?.count == 1 ? .make : .wait
            }
            switch step {
            case .have(let packed): continuation.resume(returning: packed)
            case .wait: break
            case .make: workshop.add { [self] in make(recipe) }
            }
        }
    }

    /// The document as it is, for the few clients that take nothing compressed.
    func unpacked(_ recipe: DocumentRecipe) async -> [UInt8] {
        let packed = await packed(recipe)
        return await workshop.run { GzipDecoder.unpack(packed, limit: Self.unpackedLimit) ?? recipe.make() }
    }

    /// Compresses what is not kept.
    func pack(_ bytes: [UInt8]) async -> [UInt8] {
        await workshop.run {
            var gzip = GzipEncoder()
            return gzip.compress(bytes, isLast: true)
        }
    }

    private static func take(_ key: String, _ state: inout State) -> [UInt8]? {
        state.kept[key]?.lastUse = .now
        return state.kept[key]?.packed
    }

    // MARK: Keeping

    private func make(_ recipe: DocumentRecipe) {
        let bytes = recipe.make()
        var gzip = GzipEncoder()
        let packed = gzip.compress(bytes, isLast: true)
        let waiting = state.withLock { state in
            state.kept[recipe.key] = Entry(packed: packed, lastUse: .now)
            Self.bound(&state, limits.bytes, sparing: recipe.key)
            return state.waiting.removeValue(forKey: recipe.key) ?? []
        }
        for continuation in waiting { continuation.resume(returning: packed) }
        note(bytes.count)
        isFilled.ring()
    }

    private static func bound(_ state: inout State, _ limit: Int, sparing newest: String) {
        var size = state.kept.values.reduce(0) { $0 + $1.packed.count }
        while size > limit {
            let others = state.kept.filter { $0.key != newest }
            guard let oldest = others.min(by: { $0.value.lastUse < $1.value.lastUse }) else { return }
            size -= oldest.value.packed.count
            state.kept[oldest.key] = nil
        }
    }

    /// Lets go what nobody has asked for. Returns when the next document may have to go; `nil` when none is left.
    func clear(at now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        state.withLock { state in
            state.kept = state.kept.filter { $0.value.lastUse + limits.kept > now }
            return state.kept.values.map(\.lastUse).min().map { $0 + limits.kept }
        }
    }

    /// Lets documents go in time. Runs until the task is cancelled; while nothing is kept it sleeps.
    func run() async {
        while !Task.isCancelled {
            await isFilled.wait()
            while let next = clear(at: .now) {
                // Throws only when cancelled.
                do { try await Task.sleep(until: next, tolerance: limits.kept / 10) } catch { return }
            }
        }
    }
}
