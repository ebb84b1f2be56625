public import Datastore

/// What the laws need to know of a driver: how to open it, and what it promises beyond the protocol.
public struct Driver: Sendable {
    /// Opens the log that lives at a place. A place never named before is an empty log; a durable driver
    /// finds there what it left when it was closed.
    public var open: @Sendable (_ place: Int) async throws -> any Datastore
    /// Whether a log that is closed and opened again is the same log.
    public var isDurable: Bool

    public init(isDurable: Bool, open: @escaping @Sendable (_ place: Int) async throws -> any Datastore) {
        self.open = open
        self.isDurable = isDurable
    }

    /// Runs a check on a fresh log and closes it, whatever happens.
    func withLog(
        at place: Int = 0, _ check: (any Datastore) async throws -> Void
    ) async throws {
        let log = try await open(place)
        do {
            try await check(log)
        } catch {
            await log.close()
            throw error
        }
        await log.close()
    }
}

/// A promise of the protocol that a driver did not keep.
public struct LawBroken: Error, CustomStringConvertible {
    public var description: String
}

/// Ends the check with a sentence when a law does not hold.
func require(_ holds: Bool, _ sentence: @autoclosure () -> String) throws {
    if !holds { throw LawBroken(description: sentence()) }
}

func require<T: Equatable>(_ found: T, equals wanted: T, _ what: @autoclosure () -> String) throws {
    if found != wanted { throw LawBroken(description: "\(what()): found \(found), wanted \(wanted)") }
}

/// Ends the check unless the call fails with exactly this error.
func require(
    _ wanted: DatastoreError, from call: () async throws(DatastoreError) -> Void,
    _ what: @autoclosure () -> String
) async throws {
    do throws(DatastoreError) {
        try await call()
    } catch {
        return try require(error, equals: wanted, what())
    }
    throw LawBroken(description: "\(what()): accepted, wanted \(wanted)")
}
