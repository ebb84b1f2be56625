import API
import APIMachinery
import Runtime
import Support
import Testing

@testable import Kubelet

@Suite struct ImageDeskTests {
    private let key = ImageDesk.Key(image: "i", auths: [])
    private let now = Timestamp(seconds: 100)

    private func wish(_ pod: String) -> ImageDesk.Wish { ImageDesk.Wish(podUID: pod, container: "c") }

    @Test func `one pull serves all that wait`() {
        var desk = ImageDesk()
        #expect(desk.ask(wish("a"), key, now: now) == .pull)
        #expect(desk.ask(wish("b"), key, now: now) == .wait)
        #expect(desk.ask(wish("c"), ImageDesk.Key(image: "j", auths: []), now: now) == .pull)
        let outcome = ImageDesk.Outcome.pulled(reference: "r", took: .seconds(1), withWaiting: .seconds(2))
        #expect(desk.end(key, outcome, now: now) == ["a", "b"])
        #expect(desk.ask(wish("a"), key, now: now) == .ended(outcome))
        #expect(desk.news(wish("b")) == outcome)
        // The policy Always pulls again for the next container.
        #expect(desk.ask(wish("a"), key, now: now) == .pull)
    }

    @Test func `a failure is told once, then the pause doubles`() {
        var desk = ImageDesk()
        var clock = now
        for delay in [10, 20, 40, 80, 160, 300, 300] as [Int64] {
            #expect(desk.ask(wish("a"), key, now: clock) == .pull)
            _ = desk.end(key, .failed("no"), now: clock)
            #expect(desk.ask(wish("a"), key, now: clock) == .ended(.failed("no")))
            let until = clock + .seconds(delay)
            #expect(desk.ask(wish("a"), key, now: clock) == .later(until: until, why: "no"))
            clock = until
        }
        #expect(desk.ask(wish("a"), key, now: clock) == .pull)
        _ = desk.end(key, .pulled(reference: "", took: .zero, withWaiting: .zero), now: clock)
        _ = desk.news(wish("a"))
        #expect(desk.ask(wish("a"), key, now: clock) == .pull)
    }

    @Test func `a pod that is gone waits for nothing`() {
        var desk = ImageDesk()
        _ = desk.ask(wish("a"), key, now: now)
        #expect(desk.isWaiting(podUID: wish("a").podUID, wish("a").container))
        let isAbandoned = desk.abandon(key)
        #expect(!isAbandoned)
        desk.forget(podUID: "a")
        #expect(!desk.isWaiting(podUID: wish("a").podUID, wish("a").container) && desk.end(key, .failed(""), now: now).isEmpty)
    }

    @Test func `a pull that nobody waits for does not begin`() {
        var desk = ImageDesk()
        _ = desk.ask(wish("a"), key, now: now)
        desk.forget(podUID: "a")
        let isAbandoned = desk.abandon(key)
        #expect(isAbandoned)
        #expect(desk.ask(wish("b"), key, now: now) == .pull)
    }
}

@Suite struct RegistryCredentialsTests {
    private func user(_ image: String, _ auths: Value) throws -> String? {
        var secret = Secret(namespace: "ns", name: "s")
        secret.data = [".dockerconfigjson": (["auths": auths] as Value).json]
        var credentials = RegistryCredentials()
        credentials.add(secret)
        return credentials.matches(try #require(ImageReference(image))).first?.config.username
    }

    @Test func `the entry of the registry is found`() throws {
        let auths: Value = [
            "https://index.docker.io/v1/": ["auth": "aHViOnB3"],
            "reg.example.com": ["username": "r", "password": "p"],
            "reg.example.com/team": ["username": "t"], "*.wild.org": ["username": "w"],
            "http://plain:5000/v2/": ["username": "l"],
        ]
        #expect(try user("nginx", auths) == "hub")
        #expect(try user("reg.example.com/app", auths) == "r")
        #expect(try user("reg.example.com/team/app", auths) == "t")
        #expect(try user("reg.example.com/teams/app", auths) == "r")
        #expect(try user("a.wild.org/x", auths) == "w")
        #expect(try user("a.b.wild.org/x", auths) == nil)
        #expect(try user("plain:5000/x", auths) == "l")
        #expect(try user("other.org/x", auths) == nil)
    }

    @Test func `a password may hold colons`() throws {
        var secret = Secret(namespace: "ns", name: "s")
        let auth = Base64.encode(Array("me:a:b".utf8))
        secret.data = [".dockercfg": (["r.io": ["auth": .string(auth)]] as Value).json]
        var credentials = RegistryCredentials()
        credentials.add(secret)
        #expect(credentials.matches(try #require(ImageReference("r.io/x"))).first?.config.password == "a:b")
    }

    @Test func `what is no configuration is no credential`() throws {
        var secret = Secret(namespace: "ns", name: "s")
        secret.data = [".dockerconfigjson": Array("{".utf8)]
        var credentials = RegistryCredentials()
        credentials.add(secret)
        #expect(credentials.matches(try #require(ImageReference("nginx"))).isEmpty)
    }
}
