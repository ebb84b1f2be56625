import API
import APIMachinery
import Client
import Host
import Logging
import Support
import Testing

@testable import Kubelet

@Suite struct PulledRecordTests {
    private static let name = "r.io/app"
    private static let now = Timestamp(seconds: 1_800_000_000)

    private static func secret(_ name: String, _ hash: String) -> PulledRecord.Source {
        .secret(PulledRecord.Secret(uid: "uid-" + name, namespace: "ns", name: name, hash: hash))
    }

    private static func account(_ name: String, uid: String = "1") -> PulledRecord.Source {
        .account(PulledRecord.Account(uid: uid, namespace: "ns", name: name))
    }

    private static func allows(
        _ record: PulledRecord, _ name: String, _ sources: [PulledRecord.Source]
    ) -> Bool {
        record.verdict(name, sources) != .refused
    }

    @Test func `a service account for which the image came may use it, and no later one of its name`() throws {
        let record = Self.record(Self.account("a"), Self.secret("s", "1"))
        for source in [Self.account("a"), Self.secret("s", "1")] {
            #expect(record.verdict(Self.name, [source]) == .allowed)
        }
        #expect(!Self.allows(record, Self.name, [Self.account("a", uid: "2"), Self.account("b")]))
        #expect(PulledRecord(json: record.json) == record)
        let text = #"{"kubernetesServiceAccounts":[{"uid":"1","namespace":"ns","name":"a"}]}"#
        let only = try Value(json: Self.record(Self.account("a")).json)
        #expect(only.at("credentialMapping", Self.name) == (try Value(json: Array(text.utf8))))
    }

    private static func record(_ secrets: PulledRecord.Source?...) -> PulledRecord {
        var record = PulledRecord(imageRef: "sha256:1", updated: now)
        for secret in secrets { record.add(name, secret, at: now) }
        return record
    }

    @Test func `whoever brings what brought the image may use it`() {
        let record = Self.record(Self.secret("a", "1"), Self.secret("b", "2"))
        #expect(!Self.allows(record, Self.name, []) && !Self.allows(record, Self.name, [Self.secret("c", "3")]))
        #expect(Self.allows(record, Self.name, [Self.secret("c", "3"), Self.secret("a", "1")]))
        // The same credentials in another secret, and a secret whose credentials were changed since.
        #expect(Self.allows(record, Self.name, [Self.secret("c", "2")]))
        #expect(Self.allows(record, Self.name, [Self.secret("a", "9")]))
        #expect(!Self.allows(record, "r.io/other", [Self.secret("a", "1")]), "under another name it is another's")
        #expect(!Self.allows(Self.record(Self.secret("a", "")), Self.name, [Self.secret("c", "")]))
        let open = Self.record(Self.secret("a", "1"), nil)
        #expect(Self.allows(open, Self.name, []), "the registry gives it to everybody")
        #expect(!Self.allows(Self.record(), Self.name, []), "nobody knows who pulled it")
        #expect(Self.record(nil, Self.secret("a", "1")) == Self.record(nil), "and to everybody it stays")
    }

    @Test func `a secret that opened an image is remembered`() {
        let record = Self.record(Self.secret("a", "1"))
        #expect(record.verdict(Self.name, [Self.secret("a", "1")]) == .allowed)
        let other = Self.secret("c", "1")
        #expect(record.verdict(Self.name, [Self.secret("x", "9"), other]) == .allowedAnew(other))
        #expect(record.verdict(Self.name, [Self.secret("a", "2")]) == .allowedAnew(Self.secret("a", "2")))
        var full = record
        for number in 0..<99 { full.add(Self.name, Self.secret("s\(number)", "s\(number)"), at: Self.now) }
        #expect(full.verdict(Self.name, [Self.secret("c", "1")]) == .allowed, "and not learned")
        #expect(full.verdict(Self.name, [Self.secret("a", "2")]) == .refused)
    }

    @Test func `as many secrets are remembered as may be, the latest ones`() {
        var record = Self.record()
        for number in 0..<150 { record.add(Self.name, Self.secret("s\(number)", "\(number)"), at: Self.now) }
        #expect(record.access[Self.name]?.secrets.count == 100)
        #expect(Self.allows(record, Self.name, [Self.secret("x", "149")]))
        #expect(!Self.allows(record, Self.name, [Self.secret("x", "1")]))
        let before = record
        record.add(Self.name, Self.secret("s149", "149"), at: Self.now + .seconds(1))
        #expect(record == before)
    }

    @Test func `a record is written as Kubernetes writes it`() throws {
        let record = Self.record(Self.secret("a", "1"))
        let text = #"{"kind":"ImagePulledRecord","apiVersion":"kubelet.config.k8s.io/v1beta1","#
            + #""lastUpdatedTime":"2027-01-15T08:00:00Z","imageRef":"sha256:1","credentialMapping":{"r.io/app":"#
            + #"{"kubernetesSecrets":[{"uid":"uid-a","namespace":"ns","name":"a","credentialHash":"1"}]}}}"#
        #expect(try Value(json: record.json) == Value(json: Array(text.utf8)))
        #expect(PulledRecord(json: record.json) == record && PulledRecord(json: Self.record(nil).json) == Self.record(nil))
        #expect(PulledRecord(json: PullIntent.json("i")) == nil && PullIntent.image(record.json) == nil)
        #expect(PullIntent.image(PullIntent.json("i:1")) == "i:1")
    }

    @Test(arguments: [
        (CredentialPolicy.never, true, false, false), (.exceptPreloaded, true, true, false),
        (.exceptListed, true, true, true), (.always, true, true, true),
    ])
    func `policies say of which images it is asked`(policy: CredentialPolicy, _: Bool, pulled: Bool, preloaded: Bool) {
        let list = ["r.io/own/*", "r.io/one"]
        #expect(policy.verifies("r.io/app", wasPulled: true, list: list) == pulled)
        #expect(policy.verifies("r.io/app", wasPulled: false, list: list) == preloaded)
        for name in ["r.io/own/a/b", "r.io/one"] where policy == .exceptListed {
            #expect(!policy.verifies(name, wasPulled: true, list: list))
        }
        #expect(policy != .exceptListed || policy.verifies("r.io/ones", wasPulled: true, list: list))
    }

    @Test func `a list names images without tags, or all below a name`() throws {
        for good in ["r.io/one", "r.io/own/*", "docker.io/library/nginx", "r.io:5000/*"] {
            #expect(CredentialPolicy.isListable(good), "\(good)")
        }
        for bad in ["", "/*", "*", "nginx", "r.io/one:1", "r.io/own*", "r.io/*/own/*", "r.io/ one", "r.io/own/* "] {
            #expect(!CredentialPolicy.isListable(bad), "\(bad)")
        }
        let layout = KubeletLayout(root: "/r", podLogs: "/l", containerLogs: "/c")
        var options = KubeletOptions(nodeName: "n", internalAddresses: [], version: "v", layout: layout)
        let list = "preloaded-images-verification-allowlist"
        #expect(throws: Fault.self) { try options.apply([list: "r.io/one:1"]) }
        #expect(throws: Fault.self) { try options.apply(["image-pull-credentials-verification-policy": "Sometimes"]) }
        try options.apply([list: "r.io/one,r.io/own/*"])
        #expect(options.imagesForAll == ["r.io/one", "r.io/own/*"])
    }

    @Test func `records outlive a kubelet, and pulls that it did not see end`() throws {
        let folder = "/tmp/k3s-pulled-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? Files.remove(folder) }
        let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let records = PulledRecords(folder, log: log)
        records.begin("r.io/app:1")
        records.end("r.io/app:1", name: Self.name, imageRef: "sha256:1", Self.secret("a", "1"), now: Self.now)
        records.begin("r.io/app:2")
        records.begin("r.io/app:3")
        records.end("r.io/app:3", name: Self.name, imageRef: nil, nil, now: Self.now)
        let next = PulledRecords(folder, log: log)
        #expect(next.record("sha256:1") == Self.record(Self.secret("a", "1")))
        #expect(next.wasPulled("sha256:1", as: "x") && next.wasPulled("sha256:2", as: "r.io/app:2"))
        #expect(!next.wasPulled("sha256:3", as: "r.io/app:3") && next.record("sha256:2") == nil)
        next.keep(["sha256:2"], at: Self.now)
        #expect(next.record("sha256:1") != nil, "it may be newer than the list")
        next.keep(["sha256:2"], at: Self.now + .seconds(1))
        #expect(next.record("sha256:1") == nil)
        #expect(try Files.list(folder + "/pulled").isEmpty)
        #expect(try Files.list(folder + "/pulling").count == 1)
    }
}

/// Pods that share a node, and an image that not all of them may use.
@Suite(.timeLimit(.minutes(1)))
struct PrivateImageTests {
    private static let image = "reg.example.com/team/app:1"

    private static func secret(_ world: KubeletWorld, _ name: String, password: String) {
        var secret = Secret(namespace: "default", name: name)
        secret.metadata.uid = "uid-of-" + name
        secret.data = [
            ".dockerconfigjson":
                (["auths": ["reg.example.com": ["username": "me", "password": .string(password)]]] as Value).json
        ]
        world.client.put(secret)
    }

    private static func pod(_ world: KubeletWorld, _ name: String, secret: String?, policy: String = "IfNotPresent") -> Pod {
        var pod = world.pod(name, image: image)
        pod.spec.containers[0].imagePullPolicy = policy
        if let secret { pod.spec.imagePullSecrets = [LocalObjectReference(["name": .string(secret)])] }
        return pod
    }

    private static func pulls(_ world: KubeletWorld) -> Int { world.runtime.calls.count { $0.hasPrefix("pull ") } }

    @Test func `an image that a secret brought is not everybody's`() async throws {
        try await KubeletWorld.with { world in
            Self.secret(world, "ours", password: "one")
            Self.secret(world, "same", password: "one")
            try await world.run {
                world.client.put(Self.pod(world, "first", secret: "ours"))
                try await world.until("first") { $0?.isReady ?? false }
                world.client.put(Self.pod(world, "second", secret: "same"))
                try await world.until("second") { $0?.isReady ?? false }
                #expect(Self.pulls(world) == 1)
                // It did so by what was in it, and is known by now.
                Self.secret(world, "same", password: "two")
                world.client.put(Self.pod(world, "later", secret: "same"))
                try await world.until("later") { $0?.isReady ?? false }
                #expect(Self.pulls(world) == 1)
            }
            // Another kubelet knows it, too.
            try await world.run {
                world.runtime.change { $0.refusedPulls = [Self.image] }
                world.client.put(Self.pod(world, "strange", secret: nil))
                try await world.until("strange") { $0?.first?.state.waiting?.reason == "ErrImagePull" }
                world.client.put(Self.pod(world, "never", secret: nil, policy: "Never"))
                try await world.until("never") { $0?.first?.state.waiting?.reason == "ErrImageNeverPull" }
                world.client.put(Self.pod(world, "third", secret: "ours"))
                try await world.until("third") { $0?.isReady ?? false }
                #expect(Self.pulls(world) == 2)
                // The registry gives it to everybody by now.
                world.runtime.change { $0.refusedPulls = [] }
                try await world.until("strange") { $0?.isReady ?? false }
                world.client.put(Self.pod(world, "other", secret: nil))
                try await world.until("other") { $0?.isReady ?? false }
                #expect(Self.pulls(world) == 3)
            }
        }
    }

    @Test func `an image that was there before is everybody's, unless the node says otherwise`() async throws {
        for (policy, pulls) in [("NeverVerifyPreloadedImages", 0), ("AlwaysVerify", 1)] {
            try await KubeletWorld.with {
                $0.arguments = ["image-pull-credentials-verification-policy": policy]
            } _: { world in
                world.runtime.change { $0.images = [Self.image] }
                try await world.run {
                    world.client.put(Self.pod(world, "web", secret: nil))
                    try await world.until("web") { $0?.isReady ?? false }
                    #expect(Self.pulls(world) == pulls)
                }
            }
        }
    }
}
