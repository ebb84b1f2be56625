import API
import APIMachinery
import Support
import Testing

@testable import Kubelet

/// Decisions when the time of day was set, by years, as at the boot of a machine without a clock.
@Suite struct ClockTests {
    private static let years = Duration.seconds(10 * 365 * 24 * 3600)
    private let now = PodCase.now
    private var later: Timestamp { now + Self.years }

    @Test func `a clock that is set is noticed, one that is kept in time is not`() {
        var watch = ClockWatch()
        let boot = Timestamp(seconds: 5)
        #expect(watch.look(now: now, sinceBoot: boot) == nil)
        #expect(watch.look(now: now + .milliseconds(10_500), sinceBoot: boot + .seconds(10)) == nil)
        #expect(watch.look(now: later + .milliseconds(20_500), sinceBoot: boot + .seconds(20)) == Self.years)
        #expect(watch.look(now: later + .milliseconds(30_500), sinceBoot: boot + .seconds(30)) == nil)
        #expect(watch.look(now: now + .milliseconds(40_500), sinceBoot: boot + .seconds(40)) == .zero - Self.years)
    }

    @Test func `a container that ended in the future is not waited for`() {
        var backOff = RestartBackOff()
        backOff.restarted("a", endedAt: later)
        #expect(backOff.wait("a", endedAt: later + .seconds(1), now: now) == nil)
        // It may have ended since it was asked what time it is.
        #expect(backOff.wait("a", endedAt: later + .seconds(1), now: later) != nil)
        backOff.restarted("a", endedAt: now)
        #expect(backOff.wait("a", endedAt: now + .seconds(1), now: now + .seconds(1))?.until == now + .seconds(21))
    }

    @Test func `what is held is tried again`() {
        let hold = PodMemory.Hold(reason: "x", message: "", until: later)
        #expect(hold.isOver(at: now))
        #expect(!hold.isOver(at: later + .seconds(-300)))
        #expect(PodCase().sandbox().with { $0.memory.holds["a"] = hold }.outcome == ["start a 0"])
        var desk = ImageDesk()
        let (wish, key) = (ImageDesk.Wish(podUID: "a", container: "c"), ImageDesk.Key(image: "i", auths: []))
        _ = desk.ask(wish, key, now: later)
        _ = desk.end(key, .failed("no"), now: later)
        _ = desk.news(wish)
        #expect(desk.ask(wish, key, now: later + .seconds(1)) == .later(until: later + .seconds(10), why: "no"))
        #expect(desk.ask(wish, key, now: now) == .pull)
    }

    @Test func `a pod that ends is given its grace, and no more`() {
        let pod = PodCase().sandbox().instance("a").deleted(grace: 20)
        #expect(pod.with { $0.memory.endingSince = later }.outcome == ["stop a0 by 1020"])
        // Forward, it is over.
        #expect(pod.with { $0.memory.endingSince = Timestamp(seconds: -1_000_000) }.outcome == ["stop a0 by 1001"])
    }

    @Test func `a token of the future, and one of the past, are replaced`() {
        let token = IssuedToken(text: "", expires: now + .seconds(3600), lifeSeconds: 3600)
        #expect(!token.isDue(at: now) && !token.isDue(at: now + .seconds(-60)))
        #expect(token.isDue(at: now + .seconds(2880)) && token.isDue(at: later))
        #expect(token.isDue(at: now + .seconds(-601)))
    }

    @Test func `an answer of the future is asked for again`() {
        var cache = ExpiringCache<String, Bool>(limit: 2)
        cache.set("a", true, until: later + .seconds(10), at: later)
        #expect(cache.value(of: "a", at: later) == true)
        #expect(cache.value(of: "a", at: now) == nil)
    }
}
