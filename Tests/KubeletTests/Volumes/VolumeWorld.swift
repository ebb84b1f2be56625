import API
import APIMachinery
import Client
import Host
import Logging
import Support
import Synchronization

@testable import Kubelet

/// A node's folder on the disk, an API, and the volumes of pods between them. Everything goes with the test.
final class VolumeWorld: Sendable {
    private struct State {
        var now = Timestamp(seconds: 1_800_000_000)
        var tokenRequests: [Value] = []
    }

    /// The clock, and the tokens that were asked for.
    final class Issuer: Sendable {
        private let state = Mutex(State())

        var now: Timestamp { state.withLock(\.now) }
        var requests: [Value] { state.withLock(\.tokenRequests) }
        func advance(_ duration: Duration) { state.withLock { $0.now = $0.now + duration } }

        func answer(_ request: Value) -> Value {
            state.withLock { state in
                state.tokenRequests.append(request)
                let life = request.at("spec", "expirationSeconds")?.integer ?? 0
                var answer = request
                answer["status"] = [
                    "token": .string("token-\(state.tokenRequests.count)"),
                    "expirationTimestamp": .string((state.now + .seconds(life)).description),
                ]
                return answer
            }
        }
    }

    let root: String
    let layout: KubeletLayout
    let client: MemoryClient
    let issuer = Issuer()
    let volumes: PodVolumes

    private init(root: String) {
        self.root = root
        layout = KubeletLayout(root: root + "/kubelet")
        let issuer = issuer
        client = MemoryClient { _, request in issuer.answer(request) }
        volumes = Self.volumes(layout, client, issuer)
    }

    /// The volumes as another process would find them.
    func restarted() -> PodVolumes { Self.volumes(layout, client, issuer) }

    private static func volumes(_ layout: KubeletLayout, _ client: MemoryClient, _ issuer: Issuer)
        -> PodVolumes
    {
        var log = Logger(label: "test")
        log.logLevel = .critical
        return PodVolumes(layout: layout, client: client, nodeName: "node-1", log: log) { issuer.now }
    }

    /// Runs a test in a world of its own, whose mounts and files go whatever happens.
    static func run<Result>(_ body: (VolumeWorld) async throws -> Result) async throws -> Result {
        let root = "/tmp/kubelet-test-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(root)
        defer {
            try? Mounts.unmountAll(below: root)
            try? Files.remove(root)
        }
        return try await body(VolumeWorld(root: root))
    }

    // MARK: Objects

    @discardableResult
    func configMap(_ name: String, _ data: [String: String]) -> ConfigMap {
        var map = ConfigMap(namespace: "default", name: name)
        map.data = data
        client.put(map)
        return map
    }

    func secret(_ name: String, _ data: [String: String]) {
        var secret = Secret(namespace: "default", name: name)
        secret.data = data.mapValues { Array($0.utf8) }
        client.put(secret)
    }

    /// A pod whose one container mounts every volume at `/<its name>`. `volumes` and `more` (fields of the
    /// spec) are YAML.
    func pod(_ volumes: String, more: String = "{}", name: String = "web") throws -> Pod {
        let volumes = try YAML.document(volumes)
        var pod = Pod(namespace: "default", name: name)
        pod.metadata.uid = "uid-of-\(name)"
        pod.metadata.labels = ["app": "web"]
        pod.value["spec"] = try YAML.document(more)
        pod.spec.serviceAccountName = "robot"
        pod.value[path: ["spec", "volumes"]] = volumes
        let mounts = (volumes.array ?? []).map { volume -> Value in
            let name = volume["name"]?.string ?? ""
            return ["name": .string(name), "mountPath": .string("/" + name)]
        }
        var container = pod.spec.containers.first ?? Container()
        container.name = "main"
        container.value["volumeMounts"] = .array(mounts)
        pod.spec.containers = [container]
        return pod
    }

    /// Files below a folder with their content, links followed; bookkeeping left out.
    func content(_ folder: String) throws -> [String: String] {
        var content: [String: String] = [:]
        for name in try Files.list(folder) where !name.hasPrefix("..") {
            let path = Path.join(folder, name)
            if try Files.status(of: path).kind == .directory {
                for (inner, text) in try self.content(path) { content[Path.join(name, inner)] = text }
            } else {
                content[name] = try Files.readText(path)
            }
        }
        return content
    }
}
