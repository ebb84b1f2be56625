import Support
import Testing

@testable import Kubelet

@Suite struct PullLineTests {
    private let start = Timestamp(seconds: 100)

    private func line(_ change: (inout PullLimits) -> Void) -> PullLine<Int> {
        var limits = PullLimits()
        change(&limits)
        var line = PullLine<Int>(limits)
        for number in 1...40 { line.add(number) }
        return line
    }

    @Test func `one pull after the other, in their order`() {
        var line = line { $0.isSerial = true }
        for number in 1...5 {
            let now = start + .seconds(number)
            let turn = line.turn(now: now)
            #expect(turn.begin == [number] && turn.lookAfter == nil)
            let turn1 = line.turn(now: now)
            #expect(turn1.begin.isEmpty)
            line.end()
        }
    }

    @Test func `as many at once as may be`() {
        var line = line { ($0.mostAtOnce, $0.perSecond) = (3, 0) }
        let turn2 = line.turn(now: start)
        #expect(turn2.begin == [1, 2, 3])
        let turn3 = line.turn(now: start + .seconds(60))
        #expect(turn3.begin.isEmpty)
        line.end()
        line.end()
        let turn4 = line.turn(now: start)
        #expect(turn4.begin == [4, 5])
    }

    @Test func `without limits all begin at once`() {
        var line = line { $0.perSecond = 0 }
        let turn = line.turn(now: start)
        #expect(turn.begin == Array(1...40) && turn.lookAfter == nil)
    }

    @Test func `after a burst as many begin in a second as may`() {
        var line = line { ($0.perSecond, $0.burst) = (4, 8) }
        let first = line.turn(now: start)
        #expect(first.begin == Array(1...8) && first.lookAfter == .milliseconds(250))
        // One look is enough.
        let early = line.turn(now: start + .milliseconds(100))
        #expect(early.begin.isEmpty && early.lookAfter == nil)
        let planned = line.turn(now: start + .milliseconds(250), isPlanned: true)
        #expect(planned.begin == [9] && planned.lookAfter == .milliseconds(250))
        let second = line.turn(now: start + .seconds(1), isPlanned: true)
        #expect(second.begin == [10, 11, 12])
        // A long rest is worth one burst, not more.
        let turn5 = line.turn(now: start + .seconds(1000), isPlanned: true)
        #expect(turn5.begin == Array(13...20))
    }

    @Test func `a burst of nothing still lets one begin`() {
        var line = line { ($0.perSecond, $0.burst) = (2, 0) }
        let turn6 = line.turn(now: start)
        #expect(turn6.begin == [1])
        let turn7 = line.turn(now: start + .milliseconds(500), isPlanned: true)
        #expect(turn7.begin == [2])
    }

    @Test func `great numbers are borne`() {
        var line = line { ($0.perSecond, $0.burst) = (Int(Int32.max), Int(Int32.max)) }
        let turn8 = line.turn(now: start)
        #expect(turn8.begin.count == 40)
        var slow = self.line { ($0.perSecond, $0.burst) = (1, .max) }
        _ = slow.turn(now: Timestamp(seconds: 0))
        let turn9 = slow.turn(now: Timestamp(seconds: .max / 2))
        #expect(turn9.lookAfter == nil)
    }
}
