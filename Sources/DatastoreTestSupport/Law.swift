/// One law of the datastore: a sentence, and the check that a driver keeps it.
public struct Law: Sendable, CustomStringConvertible {
    public let description: String
    let check: @Sendable (Driver) async throws -> Void

    init(_ sentence: String, _ check: @escaping @Sendable (Driver) async throws -> Void) {
        description = sentence
        self.check = check
    }

    /// Every law of ``Datastore``. A driver's tests are one parameterised test over these.
    public static let all: [Law] =
        compareAndSet + listing + following + compacting + life + [everyHistory]
}

/// Checks that a driver keeps a law; throws ``LawBroken`` with what was found when it does not.
public func checkDatastore(_ law: Law, _ driver: Driver) async throws {
    do {
        try await law.check(driver)
    } catch {
        throw LawBroken(description: "“\(law)” does not hold: \(error)")
    }
}
