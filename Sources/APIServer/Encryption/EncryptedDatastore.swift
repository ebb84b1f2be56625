import APIMachinery
import Datastore
import Support
import Synchronization

/// A datastore whose values are encrypted on the way in and decrypted on the way out, for the resources that the
/// configuration names. Everything above sees plain values, everything below sealed ones.
final class EncryptedDatastore: Datastore {
    private let base: any Datastore
    private let resources: [ObjectLog.Stored]
    private let state: Mutex<State>

    private struct State {
        var present: EncryptionPlaces
        /// What counted before: values that were on their way when it was replaced are sealed by it.
        var former: EncryptionPlaces?
        /// Keys whose value was read in another form than a write would give it.
        var stale: Set<String> = []
        /// Keys that were written since the configuration was replaced; `nil` when it never was.
        var renewed: Set<String>?
    }

    init(_ base: any Datastore, _ configuration: EncryptionConfiguration, _ resources: [ObjectLog.Stored]) {
        self.base = base
        self.resources = resources
        state = Mutex(State(present: EncryptionPlaces(configuration, resources)))
    }

    /// Seals by another configuration from now on. What the one before it can read stays readable until the next.
    func replace(_ configuration: EncryptionConfiguration) {
        let places = EncryptionPlaces(configuration, resources)
        state.withLock { state in
            state.former = state.present
            state.present = places
            state.renewed = []
        }
    }

    /// Whether writing the value that is there anew may change how it is stored: it was made by a key, or in a way, that
    /// is no longer the first. After a replacement that is so of everything that was not written since.
    func isStale(_ key: String) -> Bool {
        state.withLock { state in
            guard let renewed = state.renewed else { return state.stale.contains(key) }
            return !renewed.contains(key) && (state.present.chain(of: key) ?? state.former?.chain(of: key)) != nil
        }
    }

    private func forgetStale(_ key: String) { state.withLock { _ = $0.stale.remove(key) } }

    // MARK: Values

    private var places: (present: EncryptionPlaces, former: EncryptionPlaces?) {
        state.withLock { ($0.present, $0.former) }
    }

    /// `isPresent` when the entry is the current version of its key, not one of the past.
    private func open(_ entry: Entry, isPresent: Bool) throws(DatastoreError) -> Entry {
        let (present, former) = places
        let (chain, fallback) = (present.chain(of: entry.key), former?.chain(of: entry.key))
        guard chain != nil || fallback != nil else { return entry }
        var opened = entry
        do throws(Fault) {
            let (value, isCurrent) = try (chain ?? .plain).open(entry.value, at: entry.key)
            opened.value = value
            if isPresent, !isCurrent { state.withLock { _ = $0.stale.insert(entry.key) } }
        } catch {
            guard let old = try? fallback?.open(entry.value, at: entry.key) else {
                throw .corrupt("\(entry.key) cannot be decrypted: \(error.summary)")
            }
            opened.value = old.value
        }
        return opened
    }

    private func open(_ change: Change) throws(DatastoreError) -> Change {
        var opened = change
        opened.previous = try change.previous.map { entry throws(DatastoreError) in try open(entry, isPresent: false) }
        opened.entry = try change.entry.map { entry throws(DatastoreError) in try open(entry, isPresent: false) }
        return opened
    }

    // MARK: Datastore

    var currentRevision: Revision { base.currentRevision }
    var compactedRevision: Revision { base.compactedRevision }

    func get(_ key: String) async throws(DatastoreError) -> Entry? {
        try await base.get(key).map { entry throws(DatastoreError) in try open(entry, isPresent: true) }
    }

    func list(_ query: ListQuery) async throws(DatastoreError) -> Listing {
        var listing = try await base.list(query)
        for index in listing.entries.indices {
            listing.entries[index] = try open(listing.entries[index], isPresent: query.revision == nil)
        }
        return listing
    }

    @discardableResult
    func write(_ write: Write) async throws(DatastoreError) -> Revision {
        let places = places.present
        var sealed = write
        do throws(Fault) {
            if let value = write.value, let chain = places.chain(of: write.key) {
                sealed.value = try chain.seal(value, at: write.key)
            }
        } catch {
            throw .unavailable("\(write.key) cannot be encrypted: \(error.summary)")
        }
        let revision: Revision
        do throws(DatastoreError) {
            revision = try await base.write(sealed)
        } catch {
            guard case .conflict(let current?) = error else { throw error }
            throw .conflict(current: try open(current, isPresent: true))
        }
        state.withLock { state in
            state.stale.remove(write.key)
            if write.value == nil {
                state.renewed?.remove(write.key)
            } else if state.present === places,
                (places.chain(of: write.key) ?? state.former?.chain(of: write.key)) != nil
            {
                state.renewed?.insert(write.key)
            }
        }
        return revision
    }

    /// What cannot be read any more, because its key is gone, is left sealed: only who asks for it is concerned.
    func changes(after revision: Revision) async throws(DatastoreError) -> [Change] {
        try await base.changes(after: revision).map { change in (try? open(change)) ?? change }
    }

    func subscribe(
        after revision: Revision, _ sink: @escaping @Sendable ([Change]) -> Void
    ) async throws(DatastoreError) -> any Subscription {
        try await base.subscribe(after: revision) { [self] changes in
            sink(
                changes.map { change in
                    // Written by this server or another: in either case not what was read before.
                    forgetStale(change.key)
                    do throws(DatastoreError) {
                        return try open(change)
                    } catch {
                        preconditionFailure("a server that shares the datastore writes with another key: \(error)")
                    }
                })
        }
    }

    func compact(upTo revision: Revision) async throws(DatastoreError) { try await base.compact(upTo: revision) }
    func size() async throws(DatastoreError) -> ByteCount { try await base.size() }
    func close() async { await base.close() }
}
