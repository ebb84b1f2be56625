import Simulation
import Support
import Testing

struct ClockTests {
    @Test func `time passes only when nothing else is left to do`() throws {
        let world = World(seed: 1)
        let began = ContinuousClock.now
        let slept = try world.run {
            try? await world.clock.sleep(for: .seconds(86_400))
            return world.clock.now.offset
        }
        #expect(slept == .seconds(86_400))
        #expect(ContinuousClock.now - began < .seconds(60))
    }

    @Test func `sleepers wake in the order of their deadlines`() throws {
        let world = World(seed: 1)
        let order = try world.run {
            await withTaskGroup { group in
                for seconds in [30, 10, 20] {
                    group.addTask {
                        try? await world.clock.sleep(for: .seconds(seconds))
                        return world.clock.now.offset / .seconds(1)
                    }
                }
                var order: [Double] = []
                for await moment in group { order.append(moment) }
                return order
            }
        }
        #expect(order == [10, 20, 30])
    }

    @Test func `a sleeper that is cancelled moves no time`() throws {
        let world = World(seed: 1)
        let moment = try world.run {
            await withTaskGroup { group in
                group.addTask { try? await world.clock.sleep(for: .seconds(3600)) }
                group.addTask { try? await world.clock.sleep(for: .seconds(1)) }
                await group.next()
                group.cancelAll()
            }
            try? await world.clock.sleep(for: .seconds(1))
            return world.clock.now.offset
        }
        #expect(moment == .seconds(2))
    }

    @Test func `seeds differ in what runs first, and a seed never does`() throws {
        func order(_ seed: UInt64) throws -> [Int] {
            let world = World(seed: seed)
            return try world.run {
                await withTaskGroup { group in
                    for number in 0..<8 { group.addTask { number } }
                    var order: [Int] = []
                    for await number in group { order.append(number) }
                    return order
                }
            }
        }
        #expect(try order(1) == order(1))
        let orders = try (1...8).map { try order(UInt64($0)) }
        #expect(Set(orders).count > 4)
    }

    @Test func `a world in which everybody waits is told apart from one that works`() {
        #expect(throws: Fault.self) {
            try World(seed: 1).run {
                let (stream, continuation) = AsyncStream.makeStream(of: Int.self)
                for await _ in stream {}
                continuation.finish()
            }
        }
    }

    @Test func `time of the system is noticed where it does not belong`() {
        let world = World(seed: 1)
        #expect(throws: Fault.self) {
            try world.run {
                await withTaskGroup { group in
                    group.addTask { try? await Task.sleep(for: .microseconds(1)) }
                    // Time enough for the system's timer, in which the simulation is not still.
                    group.addTask {
                        let end = ContinuousClock.now + .milliseconds(200)
                        while ContinuousClock.now < end { try? await world.clock.sleep(for: .seconds(1)) }
                    }
                }
            }
        }
    }
}
