import API
import APIMachinery
import Synchronization

/// The object of one change in other versions, each made by the first watch that needs it while the others
/// wait.
final class SharedConversions: Sendable {
    struct Form: Hashable, Sendable {
        /// Of the definition by which the version is served.
        var fingerprint: String
        var version: String
        /// A deletion shows the last version of the object, all else the new one.
        var isDeletion: Bool
    }

    private enum Entry {
        case beingMade([CheckedContinuation<StoredObject?, Never>])
        case made(StoredObject)
    }

    private let entries = Mutex<[Form: Entry]>([:])

    /// What a watch is to do that needs a form.
    enum Claim: Sendable {
        /// To make it, and to ``settle(_:_:)``.
        case make
        /// To wait for another one, which makes it: ``wait(for:)``.
        case wait
        case take(StoredObject)
    }

    func claim(_ form: Form) -> Claim {
        entries.withLock { entries in
            switch entries[form] {
            case nil:
                entries[form] = .beingMade([])
                return .make
            case .beingMade: return .wait
            case .made(let object): return .take(object)
            }
        }
    }

    /// Hands over what was made; `nil` when that failed. To be called once for each claim to make it.
    func settle(_ form: Form, _ object: StoredObject?) {
        let waiting = entries.withLock { entries -> [CheckedContinuation<StoredObject?, Never>] in
            guard case .beingMade(let waiting) = entries[form] else { return [] }
            entries[form] = object.map(Entry.made)
            return waiting
        }
        for continuation in waiting { continuation.resume(returning: object) }
    }

    /// What another watch makes; `nil` when it fails. Who makes it calls a server with a time limit, so that
    /// this ends.
    func wait(for form: Form) async -> StoredObject? {
        await withCheckedContinuation { continuation in
            let (isOver, object) = entries.withLock { entries -> (Bool, StoredObject?) in
                switch entries[form] {
                case nil: return (true, nil)
                case .made(let object): return (true, object)
                case .beingMade(let waiting):
                    entries[form] = .beingMade(waiting + [continuation])
                    return (false, nil)
                }
            }
            if isOver { continuation.resume(returning: object) }
        }
    }
}

extension Registry.Served {
    /// The objects of events in the served version. What several watches are told at once, a server outside
    /// converts for one of them.
    func present(_ events: [SelectedEvent]) async throws(Status) -> [StoredObject] {
        var result = events.map { event in store?.form?.present(event.versioned) }
        var (own, others): ([Int], [Int]) = ([], [])
        for index in result.indices where result[index] == nil {
            switch events[index].share?.conversions.claim(form(events[index])) {
            case nil, .make: own.append(index)
            case .wait: others.append(index)
            case .take(let object): result[index] = object
            }
        }
        // First what others may wait for: of two watches that wait for each other neither would ever be done.
        do throws(Status) {
            for (index, object) in zip(own, try await present(own.map { events[$0].versioned })) {
                result[index] = object
            }
        } catch {
            for index in own { events[index].share?.conversions.settle(form(events[index]), nil) }
            throw error
        }
        for index in own { events[index].share?.conversions.settle(form(events[index]), result[index]) }
        for index in others { result[index] = await events[index].share?.conversions.wait(for: form(events[index])) }
        // What failed for another need not fail here.
        let missing = others.filter { result[$0] == nil }
        for (index, object) in zip(missing, try await present(missing.map { events[$0].versioned })) {
            result[index] = object
        }
        return result.compactMap(\.self)
    }

    private func form(_ event: SelectedEvent) -> SharedConversions.Form {
        SharedConversions.Form(
            fingerprint: fingerprint, version: definition.resource.version, isDeletion: event.kind == .deleted)
    }
}
