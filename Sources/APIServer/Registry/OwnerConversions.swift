import APIMachinery
import Synchronization

/// The forms that an object has in the versions in which its owners wrote, of a kind that only a server outside can
/// convert: sets of owners are in the field names of their versions, and are compared there (KEP-555).
///
/// A decision about owners does not wait. Whatever form it misses is asked for, and it is made again, until it misses
/// none. Most objects have owners in one version only, and then nothing is ever missed.
final class OwnerConversions: Sendable {
    /// How often a decision is made at most; every owner's version takes two forms, and giving up fields some more.
    private static let mostRounds = 32

    private struct Question: Hashable {
        var object: Value
        var apiVersion: String
    }

    private struct State {
        var answers: [Question: Value] = [:]
        /// The first form that was missed. What is decided after that may be wrong, and nothing is asked about it.
        var missing: Question?
        /// Whether nobody asks: then fields of equal names are taken for the same, and no owner loses any.
        var isAlone = true
    }

    private let form: any StoredForm
    private let isApply: Bool
    private let state = Mutex(State())

    /// An apply fails when the server outside does; any other write goes on without it.
    init(_ form: any StoredForm, isApply: Bool) {
        self.form = form
        self.isApply = isApply
    }

    /// An object in a version; `nil` when that is not known yet.
    func object(_ object: Value, in apiVersion: String) -> Value? {
        guard object["apiVersion"]?.string != apiVersion else { return object }
        let question = Question(object: object, apiVersion: apiVersion)
        return state.withLock { state -> Value? in
            if state.isAlone {
                var renamed = object
                renamed["apiVersion"] = .string(apiVersion)
                return renamed
            }
            if let answer = state.answers[question] { return answer }
            if state.missing == nil { state.missing = question }
            return nil
        }
    }

    /// What is decided once every form that it takes is known.
    func decide(
        _ propose: @Sendable () throws(Status) -> ResourceStore.Proposal
    ) async throws(Status) -> ResourceStore.Proposal {
        state.withLock { $0.isAlone = false }
        defer { state.withLock { $0.isAlone = true } }
        for _ in 0..<Self.mostRounds {
            let outcome: Result<ResourceStore.Proposal, Status>
            do throws(Status) { outcome = .success(try propose()) } catch { outcome = .failure(error) }
            let missing = state.withLock { state -> Question? in
                defer { state.missing = nil }
                return state.missing
            }
            guard let missing else { return try outcome.get() }
            try await ask(missing)
        }
        state.withLock { $0.isAlone = true }
        return try propose()
    }

    private func ask(_ question: Question) async throws(Status) {
        do throws(Status) {
            let answer = try await form.converted([question.object], to: question.apiVersion).first
            state.withLock { $0.answers[question] = answer ?? question.object }
        } catch {
            guard !isApply else { throw error }
            state.withLock { $0.isAlone = true }
        }
    }
}
