import Runtime
import Support
import Testing

@testable import Kubelet

@Suite struct ImageLedgerTests {
    private static func image(_ id: String, _ size: UInt64 = 100, pinned: Bool = false) -> CRI.Image {
        var image = CRI.Image()
        (image.id, image.size, image.pinned) = (id, size, pinned)
        image.repoTags = ["tag/" + id]
        return image
    }

    private static func at(_ seconds: Int64) -> Timestamp { Timestamp(seconds: seconds) }

    @Test(arguments: [(160, nil), (159, 41), (150, 50), (140, 60), (0, 200), (-5, 205)] as [(Int64, Int64?)])
    func `room is made down to the lower mark once the upper one is reached`(available: Int64, excess: Int64?) {
        #expect(ImageLimits().excess(capacity: 1000, available: available) == excess)
        #expect(ImageLimits().excess(capacity: 0, available: available) == nil)
    }

    @Test func `the image that nobody used for longest goes first, and no more than needed`() {
        var ledger = ImageLedger()
        let images = ["a", "b", "c", "d", "e"].map { Self.image($0) } + [Self.image("p", pinned: true)]
        let limits = ImageLimits()
        #expect(ledger.victims(images, inUse: [], toFree: nil, limits, now: Self.at(0)).isEmpty)
        ledger.use("a", now: Self.at(50))
        ledger.use("b", now: Self.at(30))
        let all = ledger.victims(images, inUse: ["tag/c"], toFree: nil, limits, now: Self.at(120))
        #expect(all.map(\.id) == ["d", "e", "b", "a"])
        let some = ledger.victims(images, inUse: [], toFree: 150, limits, now: Self.at(121))
        // One that was used at the last look counts as used then.
        #expect(some.map(\.id) == ["d", "e"])
        let rest = ledger.victims(images, inUse: [], toFree: nil, limits, now: Self.at(122))
        #expect(rest.map(\.id) == ["d", "e", "b", "a", "c"])
    }

    @Test func `an image that has just come stays, and one that is too old goes with room to spare`() {
        var ledger = ImageLedger()
        var limits = ImageLimits()
        limits.maximumAge = .seconds(1000)
        let old = [Self.image("a"), Self.image("b")]
        #expect(ledger.victims(old, inUse: [], toFree: 0, limits, now: Self.at(0)).isEmpty)
        ledger.use("b", now: Self.at(500))
        let images = old + [Self.image("new")]
        #expect(ledger.victims(images, inUse: [], toFree: 0, limits, now: Self.at(1001)).map(\.id) == ["a"])
        #expect(ledger.victims([Self.image("new")], inUse: [], toFree: nil, limits, now: Self.at(1120)).isEmpty)
        #expect(ledger.victims([Self.image("new")], inUse: [], toFree: nil, limits, now: Self.at(1121)).count == 1)
    }

    @Test func `images past their age are looked for at the pace of that age`() {
        var limits = ImageLimits()
        #expect(limits.pause == .seconds(300))
        limits.maximumAge = .seconds(7)
        #expect(limits.pause == .seconds(7))
        limits.maximumAge = .seconds(86_400)
        #expect(limits.pause == .seconds(300))
    }
}
