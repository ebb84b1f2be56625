import APIMachinery
import Datastore
import Support
import Synchronization

/// A datastore whose values are encrypted on the way in and decrypted on the way out, for the resources that the
/// configuration names. Everything above sees plain values, everything below sealed ones.
final class EncryptedDatastore: Datastore {
    private let base: any Datastore
    private let configuration: EncryptionConfiguration
    /// By the place of a resource's objects, as `secrets` or `apps/deployments`.
    private let chains: [String: EncryptionChain?]
    /// Keys whose value was read in another form than a write would give it.
    private let stale = Mutex<Set<String>>([])

    init(_ base: any Datastore, _ configuration: EncryptionConfiguration, _ resources: [ObjectLog.Stored]) {
        self.base = base
        self.configuration = configuration
        chains = Dictionary(uniqueKeysWithValues: resources.map { stored in
            (stored.prefix, configuration.chain(resource: stored.resource.resource, group: stored.resource.group))
        })
    }

    /// Whether writing the value that is there anew would change how it is stored: it was made by a key, or in a way, that
    /// is no longer the first.
    func isStale(_ key: String) -> Bool { stale.withLock { $0.contains(key) } }

    // MARK: Values

    private func chain(of key: String) -> EncryptionChain? {
        guard key.hasPrefix(ObjectLog.root) else { return nil }
        let parts = key.dropFirst(ObjectLog.root.count).split(separator: "/", maxSplits: 2).map(String.init)
        guard parts.count > 1 else { return nil }
        for place in [parts[0], parts[0] + "/" + parts[1]] {
            if let chain = chains[place] { return chain }
        }
        // Custom resources are kept by group and plural.
        return configuration.chain(resource: parts[1], group: parts[0])
    }

    /// `isPresent` when the entry is the current version of its key, not one of the past.
    private func open(_ entry: Entry, isPresent: Bool) throws(DatastoreError) -> Entry {
        guard let chain = chain(of: entry.key) else { return entry }
        var opened = entry
        do throws(Fault) {
            let (value, isCurrent) = try chain.open(entry.value, at: entry.key)
            opened.value = value
            if isPresent, !isCurrent { _ = stale.withLock { $0.insert(entry.key) } }
        } catch {
            throw .corrupt("\(entry.key) cannot be decrypted: \(error.summary)")
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
        guard let value = write.value, let chain = chain(of: write.key) else { return try await base.write(write) }
        var sealed = write
        do throws(Fault) {
            sealed.value = try chain.seal(value, at: write.key)
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
        _ = stale.withLock { $0.remove(write.key) }
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
