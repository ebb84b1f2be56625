import APIMachinery
import Support
import Testing

@testable import Client

@Suite struct EventLedgerTests {
    private let subject = EventNote.Subject(
        apiVersion: "v1", kind: "Pod", name: ObjectName(namespace: "default", name: "web"), uid: "1")

    private func note(_ message: String, at seconds: Int64, version: String = "") -> EventNote {
        var subject = subject
        subject.resourceVersion = version
        let time = Timestamp(seconds: seconds)
        return EventNote(subject, .warning, reason: "FailedScheduling", message: message, at: time)
    }

    /// Takes the note and pretends that the API accepted it. The kind of action and its count.
    private func take(_ ledger: inout EventLedger, _ note: EventNote) -> String {
        switch ledger.take(note) {
        case .create(let identity, let message):
            ledger.written(identity, as: "web.1")
            return "create \(message)"
        case .count(_, _, let count, let message): return "count \(count) \(message)"
        case .drop: return "drop"
        }
    }

    @Test func `the same words again count the first event up`() {
        var ledger = EventLedger()
        #expect(take(&ledger, note("no room", at: 1, version: "7")) == "create no room")
        #expect(take(&ledger, note("no room", at: 2, version: "8")) == "count 2 no room")
        #expect(take(&ledger, note("no disk", at: 3)) == "create no disk")
        #expect(take(&ledger, note("no room", at: 4)) == "count 3 no room")
    }

    @Test func `an event that expired is created anew`() {
        var ledger = EventLedger()
        guard case .create(let identity, _) = ledger.take(note("a", at: 1)) else {
            Issue.record("the first note makes an event")
            return
        }
        ledger.written(identity, as: "web.1")
        ledger.lost(identity)
        #expect(take(&ledger, note("a", at: 2)) == "create a")
    }

    @Test func `many similar events are combined into one`() {
        var ledger = EventLedger(limits: .init(similar: 2))
        #expect(take(&ledger, note("a", at: 1)) == "create a")
        #expect(take(&ledger, note("b", at: 2)) == "create b")
        #expect(take(&ledger, note("c", at: 3)) == "create (combined from similar events): c")
        #expect(take(&ledger, note("d", at: 4)) == "count 2 (combined from similar events): d")
        #expect(take(&ledger, note("e", at: 1000)) == "create e", "a quiet while ends the combining")
    }

    @Test func `an object in a loop may not flood the log`() {
        var ledger = EventLedger(limits: .init(burst: 3, refill: .seconds(10)))
        let outcomes = (0..<6).map { take(&ledger, note("a", at: $0)) }
        #expect(outcomes == ["create a", "count 2 a", "count 3 a", "drop", "drop", "drop"])
        #expect(take(&ledger, note("a", at: 15)) == "count 4 a")
    }

    @Test func `the ledger's memory is bounded`() {
        var ledger = EventLedger(limits: .init(remembered: 10))
        for index in 0..<1000 {
            var note = note("a", at: 1)
            note.subject.uid = String(index)
            _ = take(&ledger, note)
        }
        #expect(ledger.size <= 30)
    }
}
