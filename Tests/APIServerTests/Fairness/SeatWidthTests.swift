import APIMachinery
import Testing

@testable import APIServer

@Suite struct SeatWidthTests {
    @Test(arguments: [
        // (objects, bytes, limit, widest, seats)
        (0, 0, 0, 10, 1), (1, 100, 0, 10, 1), (1000, 100_000, 0, 10, 1), (1000, 100_100, 0, 10, 2),
        (1000, 5_000_000, 0, 10, 10), (1000, 5_000_000, 100, 10, 5), (1000, 5_000_000, 0, 3, 3),
        (10, 50_000, 500, 10, 1),
    ])
    func `a list takes as many seats as its bytes need`(objects: Int, bytes: Int, limit: Int, widest: Int, seats: Int) {
        #expect(SeatWidth.of((objects, bytes, 0), limit: limit, widest: widest) == seats)
    }

    @Test(arguments: [
        // (nominal, handSize, widest)
        (245, 6, 10), (30, 6, 4), (30, 10, 3), (10, 6, 1), (1, 1, 1), (60, 60, 1),
    ])
    func `a small level with queues has narrow requests`(nominal: Int, hand: Int64, widest: Int) {
        func level(_ response: Value) -> PriorityLevel {
            PriorityLevel(["spec": ["type": "Limited", "limited": ["limitResponse": response]]])
        }
        let queuing: Value = ["queues": 64, "handSize": .integer(hand), "queueLengthLimit": 50]
        #expect(SeatWidth.widest(level(["type": "Queue", "queuing": queuing]), nominal: nominal) == widest)
        #expect(SeatWidth.widest(level(["type": "Reject"]), nominal: nominal) == 10)
    }
}
