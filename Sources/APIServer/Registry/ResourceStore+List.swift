import APIMachinery
import Client
import Datastore

extension ResourceStore {
    /// A list request, its selectors parsed.
    struct ListRequest: Sendable {
        var filter = ObjectFilter()
        /// At most so many objects; `nil` for all.
        var limit: Int?
        var continuation: ContinueToken?
        var version = Version.newest

        /// Which state the list shows (API conventions, "Semantics for get and list").
        enum Version: Hashable, Sendable {
            case newest
            /// Any state that is not older.
            case notOlderThan(Revision)
            case exactly(Revision)
        }
    }

    /// A page of objects.
    struct Page: Sendable {
        var items: [StoredObject]
        var revision: Revision
        var continuation: ContinueToken?
        /// How many follow; only known without selectors.
        var remaining: Int?
    }

    /// The objects that the request asks for, if the cache can tell. Never suspends.
    ///
    /// `nil` means that an older state is asked for, or one for too long: the caller goes on with ``listPast(_:)``.
    func listPresent(_ request: ListRequest) throws(Status) -> Page? {
        // Read before the objects: whatever comes later is seen by a watch from here.
        let revision = log.revision
        switch request.version {
        case .newest: break
        case .notOlderThan(let wanted):
            guard wanted <= revision else { throw .tooLargeRevision(wanted, current: revision) }
        case .exactly(let wanted):
            guard wanted <= revision else { throw .tooLargeRevision(wanted, current: revision) }
            guard cache.lastChange <= wanted else { return nil }
        }
        if request.continuation?.isExpired(at: now()) == true { return nil }
        if let past = request.continuation?.revision, cache.lastChange > past { return nil }
        let shown = request.continuation?.revision ?? revision
        return page(cache.candidates(for: request.filter), request, revision: shown)
    }

    /// The objects as of the older state that the request asks for, from the log's history.
    func listPast(_ request: ListRequest) async throws(Status) -> Page {
        let past: Revision
        switch (request.continuation?.revision, request.version) {
        case (let revision?, _), (nil, .exactly(let revision)): past = revision
        case (nil, _): preconditionFailure("the present state was asked for")
        }
        if let token = request.continuation, token.isExpired(at: now()) { try await expire(token) }
        do throws(DatastoreError) {
            let objects = try await log.list(home, namespace: request.filter.namespace, at: past)
            return page(objects[...], request, revision: past)
        } catch {
            guard case .compacted = error else { throw Status(error) }
            guard let token = request.continuation else {
                throw .expired("The resourceVersion for the provided list is too old.")
            }
            throw .expiredContinuation(token)
        }
    }

    /// What goes on without the token's state shows a state of its own, whose version is not the token's. If nothing was
    /// written since, the log moves on by itself.
    private func expire(_ token: ContinueToken) async throws(Status) {
        do throws(DatastoreError) {
            if token.revision == log.revision { try await log.advance() }
        } catch {
            throw Status(error)
        }
        throw .expiredContinuation(token)
    }

    private func page(_ objects: ArraySlice<StoredObject>, _ request: ListRequest, revision: Revision) -> Page {
        var objects = objects
        if let after = request.continuation?.after {
            objects = objects.drop { $0.objectName <= after }
        }
        let filter = request.filter
        let selectsAll = filter.takesAll
        guard let limit = request.limit, limit > 0 else {
            return Page(items: selectsAll ? Array(objects) : objects.filter(filter.includes), revision: revision)
        }
        var page = Page(items: [], revision: revision)
        for object in objects where filter.includes(object) {
            guard page.items.count < limit else {
                let last = page.items.last?.objectName ?? object.objectName
                let begun = request.continuation?.revision == nil ? now() : request.continuation?.begun ?? now()
                page.continuation = ContinueToken(revision: revision, begun: begun, after: last)
                page.remaining = selectsAll ? objects.drop { $0.objectName <= last }.count : nil
                break
            }
            page.items.append(object)
        }
        return page
    }
}

extension Status {
    /// A state that this server has not seen yet.
    static func tooLargeRevision(_ wanted: Revision, current: Revision) -> Status {
        let message = "Too large resource version: \(wanted), current: \(current)"
        return Status(
            code: 504, reason: .timeout, message: "Timeout: \(message)",
            details: Details(
                causes: [Cause(reason: "ResourceVersionTooLarge", message: "Too large resource version", field: "")],
                retryAfterSeconds: 1))
    }

    static func expired(_ message: String) -> Status { Status(code: 410, reason: .expired, message: message) }

    /// The page's state is gone. The token in `metadata.continue` goes on without it, inconsistently.
    static func expiredContinuation(_ token: ContinueToken) -> Status {
        var token = token
        token.revision = nil
        var status = expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list "
                + "without the continue parameter, or use the continue token in this response to retrieve the "
                + "remainder of the results. Continuing with the provided token results in an inconsistent list - "
                + "objects that were created, modified, or deleted between the time the first chunk was returned and "
                + "now may show up in the list.")
        status.continueToken = token.text
        return status
    }

    init(_ error: DatastoreError) {
        guard case .failed(let status) = CommitFailure(error) else {
            self = .internalError("the datastore reports a conflict where nothing is written")
            return
        }
        self = status
    }
}
