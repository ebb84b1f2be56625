import APIMachinery
import Support
import Testing

@testable import APIServer

@Suite struct SeatLedgerTests {
    private typealias Level = (name: String, shares: Int64, lendable: Int64, borrowing: Int64?, queues: Int64?)

    private static func level(_ level: Level) -> PriorityLevel {
        var limited: Value = [
            "nominalConcurrencyShares": .integer(level.shares), "lendablePercent": .integer(level.lendable),
            "limitResponse": ["type": "Reject"],
        ]
        if let borrowing = level.borrowing { limited["borrowingLimitPercent"] = .integer(borrowing) }
        if let queues = level.queues {
            limited["limitResponse"] = [
                "type": "Queue", "queuing": ["queues": .integer(queues), "handSize": 1, "queueLengthLimit": 2],
            ]
        }
        return PriorityLevel(["metadata": ["name": .string(level.name)], "spec": ["type": "Limited", "limited": limited]])
    }

    private static func ledger(_ levels: [Level], seats: Int) throws -> SeatLedger {
        var ledger = SeatLedger()
        _ = ledger.configure(levels.map(level), total: seats)
        return ledger
    }

    @Test func `beyond its seats a level refuses, or lets wait up to a bound`() throws {
        var ledger = try Self.ledger([("reject", 1, 0, 0, nil), ("queue", 1, 0, 0, 1)], seats: 4)
        let (reject, queue) = (try #require(ledger.id(of: "reject")), try #require(ledger.id(of: "queue")))
        for _ in 0..<2 {
            #expect(ledger.arrive(reject, width: 1) { 0 } == .started)
            #expect(ledger.arrive(queue, width: 1) { 0 } == .started)
        }
        #expect(ledger.arrive(reject, width: 1) { 0 } == .refused(.concurrencyLimit))
        #expect(ledger.arrive(queue, width: 1) { 0 } == .waits(1))
        #expect(ledger.arrive(queue, width: 1) { 0 } == .waits(2))
        #expect(ledger.arrive(queue, width: 1) { 0 } == .refused(.queueFull))
        #expect(ledger.finish(reject, width: 1) == [])
        #expect(ledger.finish(queue, width: 1) == [1])
        #expect(ledger.leave(queue, 2) == true)
        #expect(ledger.leave(queue, 1) == false)
        #expect(ledger.finish(queue, width: 1) == [])
    }

    @Test func `what one level does not use another may borrow, and gives it back`() throws {
        var ledger = try Self.ledger([("lender", 1, 50, 0, 1), ("borrower", 1, 0, nil, 1)], seats: 8)
        let (lender, borrower) = (try #require(ledger.id(of: "lender")), try #require(ledger.id(of: "borrower")))
        // Four of its own, and two that the other lends.
        for _ in 0..<6 { #expect(ledger.arrive(borrower, width: 1) { 0 } == .started) }
        #expect(ledger.arrive(borrower, width: 1) { 0 } == .waits(1))
        #expect(ledger.currentLimit(borrower) == 6)
        // What it kept, then nothing more until somebody ends.
        for _ in 0..<2 { #expect(ledger.arrive(lender, width: 1) { 0 } == .started) }
        #expect(ledger.arrive(lender, width: 1) { 0 } == .waits(2))
        #expect(ledger.finish(borrower, width: 1) == [2], "who has less than its own comes before who borrows")
        #expect(ledger.finish(lender, width: 1) == [1])
    }

    @Test func `who may not borrow does not`() throws {
        var ledger = try Self.ledger([("lender", 1, 100, 0, 1), ("half", 1, 0, 50, nil)], seats: 8)
        let half = try #require(ledger.id(of: "half"))
        for _ in 0..<6 { #expect(ledger.arrive(half, width: 1) { 0 } == .started) }
        #expect(ledger.arrive(half, width: 1) { 0 } == .refused(.concurrencyLimit))
    }

    @Test func `a request that is wider than its level runs alone`() throws {
        var ledger = try Self.ledger([("narrow", 1, 0, 0, 1)], seats: 2)
        let id = try #require(ledger.id(of: "narrow"))
        #expect(ledger.arrive(id, width: 5) { 0 } == .started)
        #expect(ledger.arrive(id, width: 1) { 0 } == .waits(1))
        #expect(ledger.finish(id, width: 5) == [1])
    }

    @Test func `a level that is gone ends with its last request`() throws {
        var ledger = try Self.ledger([("old", 1, 0, 0, 1)], seats: 1)
        let id = try #require(ledger.id(of: "old"))
        #expect(ledger.arrive(id, width: 1) { 0 } == .started)
        #expect(ledger.arrive(id, width: 1) { 0 } == .waits(1))
        #expect(ledger.configure([], total: 1) == [])
        #expect(ledger.finish(id, width: 1) == [1])
        #expect(ledger.finish(id, width: 1) == [])
        #expect(ledger.levels.isEmpty)
        #expect(ledger.arrive(id, width: 1) { 0 } == .started)
    }

    @Test func `more seats let run who waits`() throws {
        var ledger = try Self.ledger([("level", 1, 0, 0, 1)], seats: 1)
        let id = try #require(ledger.id(of: "level"))
        #expect(ledger.arrive(id, width: 1) { 0 } == .started)
        #expect(ledger.arrive(id, width: 1) { 0 } == .waits(1))
        #expect(ledger.configure([Self.level(("level", 1, 0, 0, 1))], total: 2) == [1])
    }

    // MARK: Queues

    private static let shape = PriorityLevel.Queuing(queues: 128, handSize: 6, lengthLimit: 50)

    @Test(arguments: [UInt64(0), 1, 127, 128, 0xDEAD_BEEF_CAFE_F00D, .max])
    func `a hand has different queues, always the same for a flow`(hash: UInt64) {
        let hand = FairQueues.hand(hash, of: Self.shape)
        #expect(Set(hand).count == 6)
        #expect(hand.allSatisfy { (0..<128).contains($0) })
        #expect(hand == FairQueues.hand(hash, of: Self.shape))
    }

    @Test func `a flow that sends much does not hold up one that sends little`() {
        var queues = FairQueues()
        let shape = PriorityLevel.Queuing(queues: 2, handSize: 1, lengthLimit: 50)
        for ticket in 1...20 { #expect(queues.join(UInt64(ticket), width: 1, hash: 0, shape) == true) }
        _ = queues.takeNext()
        #expect(queues.join(100, width: 1, hash: 1, shape) == true)
        #expect(queues.join(101, width: 1, hash: 1, shape) == true)
        let order = (0..<4).compactMap { _ in queues.takeNext()?.ticket }
        #expect(order.contains(100) && order.contains(101), "they take turns: \(order)")
    }

    /// Whatever comes, waits, leaves and ends.
    @Test(arguments: UInt64(0)..<100)
    func `no history loses a seat or a request`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var ledger = try Self.ledger(
            [("a", 3, 50, nil, 4), ("b", 1, 0, 0, 2), ("c", 2, 100, 50, nil)], seats: 12)
        let ids = ["a", "b", "c"].compactMap { ledger.id(of: $0) }
        var running: [(level: Int, width: Int)] = []
        var waiting: [UInt64: (level: Int, width: Int)] = [:]
        func begin(_ tickets: [UInt64]) {
            for ticket in tickets {
                guard let place = waiting.removeValue(forKey: ticket) else {
                    Issue.record("one begins that does not wait")
                    continue
                }
                running.append(place)
            }
        }
        for _ in 0..<300 {
            switch Int.random(in: 0..<5, using: &random) {
            case 0...2:
                let (level, width) = (ids[Int.random(in: 0..<3, using: &random)], Int.random(in: 1...3, using: &random))
                switch ledger.arrive(level, width: width, hash: { random.next() }) {
                case .started: running.append((level, width))
                case .waits(let ticket): waiting[ticket] = (level, width)
                case .refused: break
                }
            case 3:
                guard let index = running.indices.randomElement(using: &random) else { continue }
                let (level, width) = running.remove(at: index)
                begin(ledger.finish(level, width: width))
            default:
                guard let (ticket, place) = waiting.min(by: { $0.key < $1.key }) else { continue }
                #expect(ledger.leave(place.level, ticket) == true)
                waiting[ticket] = nil
            }
            for id in ids {
                let level = try #require(ledger.levels[id])
                #expect(level.inUse == running.filter { $0.level == id }.reduce(0) { $0 + $1.width })
                #expect(level.waiting == waiting.values.filter { $0.level == id }.count)
                #expect(level.inUse <= level.limits.most || running.filter { $0.level == id }.count == 1)
                #expect(level.waiting == 0 || level.inUse > 0, "nobody waits for nobody")
            }
        }
        while let (level, width) = running.popLast() { begin(ledger.finish(level, width: width)) }
        #expect(waiting.isEmpty)
    }
}
