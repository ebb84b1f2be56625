import API
import APIMachinery
import Client
import Host
import Logging
import Runtime
import Support
import Synchronization
import Testing

@testable import Kubelet

/// Plug-ins that are shell scripts, and an API that gives tokens.
@Suite(.timeLimit(.minutes(1)))
struct CredentialProvidersTests {
    private static let image = "reg.example.com/team/app:1"

    /// A folder with programs, and what they were asked.
    private struct Plugins {
        let folder = "/tmp/k3s-plugins-\(UInt32.random(in: 0...UInt32.max))"
        var providers: [CredentialProvider] = []

        static func with(_ body: (inout Plugins) async throws -> Void) async throws {
            var plugins = Plugins()
            try Files.makeDirectory(plugins.folder)
            defer { try? Files.remove(plugins.folder) }
            try await body(&plugins)
        }

        /// A program that notes what it reads, and gives `password`.
        mutating func add(
            _ name: String, password: String, before: String = "", scope: String = "Registry",
            tokens: CredentialProvider.Tokens? = nil
        ) throws {
            let answer = #"{"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1","#
                + #""cacheKeyType":"\#(scope)","auth":{"*.example.com":{"username":"me","password":"\#(password)"}}}"#
            let text = "#!/bin/sh\n\(before)\n{ cat; echo; } >>\(folder)/\(name).asked\nprintf '%s' '\(answer)'\n"
            try Files.write(text, to: folder + "/" + name, mode: 0o755)
            let pattern = try #require(ImagePattern("*.example.com"))
            providers.append(
                CredentialProvider(
                    name: name, program: folder + "/" + name, images: [pattern], defaultLifetime: .seconds(600),
                    version: "credentialprovider.kubelet.k8s.io/v1", arguments: [], environment: ["COLOUR": "red"],
                    tokens: tokens))
        }

        /// The questions to a program, in order.
        func asked(_ name: String) throws -> [Value] {
            guard Files.exists("\(folder)/\(name).asked") else { return [] }
            return try Files.readText("\(folder)/\(name).asked").split(separator: "\n").map {
                try Value(json: Array($0.utf8))
            }
        }

        func shell(_ client: MemoryClient = MemoryClient(), patience: Duration = .seconds(60)) -> CredentialProviders {
            let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            return CredentialProviders(providers, client: client, log: log, patience: patience)
        }
    }

    private static func pod(account: String = "") -> Pod {
        var pod = Pod(namespace: "default", name: "web")
        pod.metadata.uid = "uid-web"
        pod.spec = PodSpec(["serviceAccountName": .string(account)])
        return pod
    }

    private static func passwords(
        _ providers: CredentialProviders, _ image: String = image, _ pod: Pod = pod()
    ) async throws -> [String] {
        let reference = try #require(ImageReference(image))
        return await providers.credentials(for: reference, of: pod).map(\.config.password)
    }

    @Test func `a program is asked once for what its answer is good for`() async throws {
        try await Plugins.with { plugins in
            try plugins.add("b", password: "two", before: #"[ "$COLOUR" = red ] || exit 1"#)
            try plugins.add("a", password: "one")
            let providers = plugins.shell()
            #expect(try await Self.passwords(providers) == ["one", "two"])
            #expect(try await Self.passwords(providers, "reg.example.com/other") == ["one", "two"])
            #expect(try await Self.passwords(providers, "docker.io/library/web").isEmpty)
            #expect(
                try plugins.asked("a") == [[
                    "kind": "CredentialProviderRequest", "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
                    "image": "reg.example.com/team/app",
                ]])
            #expect(try plugins.asked("b").count == 1)
        }
    }

    @Test func `who asks the same while it runs shares the answer`() async throws {
        try await Plugins.with { plugins in
            let gate = plugins.folder + "/gate"
            _ = try await Command("mkfifo", [gate]).run()
            try plugins.add("a", password: "one", before: "read line <\(gate)")
            let providers = plugins.shell()
            try await withThrowingTaskGroup(of: [String].self) { group in
                for _ in 0..<5 { group.addTask { try await Self.passwords(providers) } }
                // It opens when the program reads; all have asked by then, or find what is kept.
                group.addTask {
                    _ = try await Command("sh", ["-c", "echo go >\(gate)"]).run()
                    return ["one"]
                }
                for try await found in group { #expect(found == ["one"]) }
            }
            #expect(try plugins.asked("a").count == 1)
        }
    }

    @Test func `a program that fails, or takes too long, gives nothing`() async throws {
        try await Plugins.with { plugins in
            try plugins.add("fails", password: "one", before: "exit 3")
            try plugins.add("sleeps", password: "two", before: "exec sleep 60")
            try plugins.add("works", password: "three")
            let began = ContinuousClock.now
            #expect(try await Self.passwords(plugins.shell(patience: .seconds(2))) == ["three"])
            #expect(ContinuousClock.now - began < .seconds(30))
        }
    }

    // MARK: Service accounts

    private static func account(_ client: MemoryClient, _ annotations: [String: String]) {
        var account = ServiceAccount(namespace: "default", name: "puller")
        account.metadata.uid = "uid-puller"
        account.metadata.annotations = annotations
        client.put(account)
    }

    /// An API that gives tokens, each another one.
    private static func client(_ requests: Requests) -> MemoryClient {
        MemoryClient { target, value throws(Status) in
            let count = requests.add(value)
            var answer = value
            answer["status"] = ["token": .string("token-\(count)"), "expirationTimestamp": "2100-01-01T00:00:00Z"]
            return answer
        }
    }

    private final class Requests: Sendable {
        private let all = Mutex<[Value]>([])
        func add(_ value: Value) -> Int {
            all.withLock {
                $0.append(value)
                return $0.count
            }
        }
        var list: [Value] { all.withLock { $0 } }
    }

    private static func tokens(
        _ lifetime: CredentialProvider.Tokens.Lifetime, isRequired: Bool = true
    ) -> CredentialProvider.Tokens {
        CredentialProvider.Tokens(
            audience: "registry", lifetime: lifetime, isAccountRequired: isRequired, requiredAnnotations: ["role"],
            optionalAnnotations: ["zone"])
    }

    @Test func `a program is told of the pod's service account`() async throws {
        try await Plugins.with { plugins in
            try plugins.add("a", password: "one", tokens: Self.tokens(.account))
            let requests = Requests()
            let client = Self.client(requests)
            Self.account(client, ["role": "reader", "other": "x"])
            let (providers, pod) = (plugins.shell(client), Self.pod(account: "puller"))
            let reference = try #require(ImageReference(Self.image))
            let known = PulledRecord.Source.account(
                PulledRecord.Account(uid: "uid-puller", namespace: "default", name: "puller"))
            #expect(await providers.credentials(for: reference, of: pod).map(\.source) == [known])
            #expect(await providers.accounts(of: pod, for: reference) == [known])
            #expect(providers.account(of: pod, for: reference)?.name == "puller")
            let request = try #require(requests.list.first)
            #expect(request.at("spec", "audiences") == ["registry"] && request.at("metadata", "uid") == "uid-puller")
            #expect(request.at("spec", "boundObjectRef", "uid") == "uid-web")
            let question = try #require(try plugins.asked("a").first)
            #expect(question["serviceAccountToken"] == "token-1")
            #expect(question["serviceAccountAnnotations"] == ["role": "reader"])
            // The same account needs no other token.
            #expect(try await Self.passwords(providers, Self.image, pod) == ["one"])
            #expect(requests.list.count == 1)
            // Another annotation may mean another registry.
            Self.account(client, ["role": "writer", "zone": "z"])
            #expect(try await Self.passwords(providers, Self.image, pod) == ["one"])
            #expect(
                try plugins.asked("a").last?["serviceAccountAnnotations"] == ["role": "writer", "zone": "z"])
        }
    }

    @Test func `a pod that does not suit is not told of`() async throws {
        try await Plugins.with { plugins in
            try plugins.add("a", password: "one", tokens: Self.tokens(.account))
            try plugins.add("b", password: "two", tokens: Self.tokens(.account, isRequired: false))
            let client = Self.client(Requests())
            let providers = plugins.shell(client)
            // A static pod has no account.
            #expect(try await Self.passwords(providers) == ["two"])
            #expect(try await Self.passwords(providers, Self.image, Self.pod(account: "puller")).isEmpty)
            Self.account(client, [:])
            #expect(try await Self.passwords(providers, Self.image, Self.pod(account: "puller")).isEmpty)
            Self.account(client, ["role": ""])
            #expect(try await Self.passwords(providers, Self.image, Self.pod(account: "puller")) == ["one", "two"])
        }
    }

    @Test func `the token itself is a password only where that was said`() async throws {
        for (lifetime, count) in [(CredentialProvider.Tokens.Lifetime.account, 0), (.token, 1)] {
            try await Plugins.with { plugins in
                try plugins.add("a", password: "token-1", tokens: Self.tokens(lifetime))
                let client = Self.client(Requests())
                Self.account(client, ["role": "r"])
                let providers = plugins.shell(client)
                #expect(try await Self.passwords(providers, Self.image, Self.pod(account: "puller")).count == count)
                // And is good for this token alone.
                _ = try await Self.passwords(providers, Self.image, Self.pod(account: "puller"))
                #expect(try plugins.asked("a").count == 2)
            }
        }
    }

    // MARK: Pulls

    @Test func `a pod's secrets are tried first, then what the plug-ins give`() async throws {
        try await Plugins.with { plugins in
            try plugins.add("a", password: "wrong")
            try plugins.add("b", password: "right")
            let providers = plugins.providers
            try await KubeletWorld.with { $0.providers = providers } _: { world in
                world.runtime.change { $0.wantedPassword = "right" }
                var secret = Secret(namespace: "default", name: "pull")
                let auths: Value = ["reg.example.com": ["username": "me", "password": "own"]]
                secret.data = [".dockerconfigjson": (["auths": auths] as Value).json]
                world.client.put(secret)
                var pod = world.pod("web", image: Self.image)
                pod.spec.imagePullSecrets = [LocalObjectReference(["name": "pull"])]
                let wanted = pod
                try await world.run {
                    world.client.put(wanted)
                    try await world.until("web") { $0?.isReady ?? false }
                    #expect(world.runtime.read(\.passwords) == ["own", "wrong", "right"])
                    // The node's own credentials brought it: it is for all of its pods.
                    world.client.put(world.pod("other", image: Self.image))
                    try await world.until("other") { $0?.isReady ?? false }
                    #expect(world.runtime.read(\.passwords).count == 3)
                }
            }
        }
    }

    @Test func `an image that a service account brought is not everybody's`() async throws {
        try await Plugins.with { plugins in
            try plugins.add("a", password: "right", tokens: Self.tokens(.account))
            let (providers, requests) = (plugins.providers, Requests())
            let client = Self.client(requests)
            try await KubeletWorld.with { ($0.providers, $0.client) = (providers, client) } _: { world in
                world.runtime.change { $0.wantedPassword = "right" }
                Self.account(client, ["role": "r"])
                func pod(_ name: String, _ account: String) -> Pod {
                    var pod = world.pod(name, image: Self.image)
                    pod.spec.serviceAccountName = account
                    return pod
                }
                let (first, second, strange) = (pod("first", "puller"), pod("second", "puller"), pod("strange", "other"))
                try await world.run {
                    client.put(first)
                    try await world.until("first") { $0?.isReady ?? false }
                    client.put(second)
                    try await world.until("second") { $0?.isReady ?? false }
                    #expect(world.runtime.read(\.passwords) == ["right"])
                    client.put(strange)
                    try await world.until("strange") { $0?.first?.state.waiting?.reason == "ErrImagePull" }
                    #expect(world.runtime.read(\.passwords) == ["right", ""])
                }
            }
        }
    }

    @Test func `all credentials that fail are told together`() async throws {
        try await Plugins.with { plugins in
            try plugins.add("a", password: "wrong")
            try plugins.add("b", password: "worse")
            let providers = plugins.providers
            try await KubeletWorld.with { $0.providers = providers } _: { world in
                world.runtime.change { $0.wantedPassword = "right" }
                let pod = world.pod("web", image: Self.image)
                try await world.run {
                    world.client.put(pod)
                    try await world.until("web") { $0?.first?.state.waiting?.reason == "ErrImagePull" }
                    // The registry says the same to both.
                    let present = try #require(
                        world.client.present(Pod.self, ObjectName(namespace: "default", name: "web")))
                    #expect(present.first?.state.waiting?.message == "\(Self.image): not found")
                    #expect(world.runtime.read(\.passwords) == ["wrong", "worse"])
                }
            }
        }
    }
}
