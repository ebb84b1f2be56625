import APIMachinery
import Support
import Testing

@testable import Runtime

@Suite struct DockerSandboxTests {
    private func config(_ network: CRI.NamespaceMode) -> CRI.PodSandboxConfig {
        var config = CRI.PodSandboxConfig()
        config.metadata = CRI.PodSandboxMetadata(name: "web", uid: "u", namespace: "shop")
        config.hostname = "web"
        config.labels = ["app": "x"]
        config.linux.cgroupParent = "/kubepods/podu"
        config.linux.sysctls = ["net.core.somaxconn": "9"]
        config.linux.securityContext.namespaceOptions.network = network
        return config
    }

    @Test func `a sandbox has a network of its own that Docker does not touch`() {
        let body = DockerSandbox.creation(config(.pod), handler: "", image: "pause")
        let host = body["HostConfig"]
        #expect(body["Image"] == "pause" && body["Hostname"] == "web")
        let labels = [
            "app": "x", "io.kubernetes.docker.type": "podsandbox", "io.kubernetes.container.name": "POD",
        ]
        #expect(body["Labels"]?.strings == labels && DockerLabels.split(labels).labels == ["app": "x"])
        #expect(host?["NetworkMode"] == "none" && host?["IpcMode"] == "shareable" && host?["PidMode"] == nil)
        #expect(host?["OomScoreAdj"] == -998 && host?["CpuShares"] == 2 && host?["CgroupParent"] == "/kubepods/podu")
        #expect(host?["Sysctls"] == ["net.core.somaxconn": "9"] && host?["SecurityOpt"] == ["no-new-privileges"])
        #expect(host?["Runtime"] == nil)
    }

    @Test func `a slice is named, not its path, and no score is lower than may be`() {
        var config = config(.pod)
        config.linux.cgroupParent = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podu.slice"
        let host = DockerSandbox.creation(config, handler: "", image: "pause", leastOOMScore: 5)["HostConfig"]
        #expect(host?["CgroupParent"] == "kubepods-burstable-podu.slice" && host?["OomScoreAdj"] == 5)
        var container = DockerContainer(sandbox: "s", config: CRI.ContainerConfig(), sandboxConfig: config)
        container.config.linux.resources.oomScoreAdj = -997
        #expect(container.creation.at("HostConfig", "CgroupParent") == "kubepods-burstable-podu.slice")
        #expect(container.creation.at("HostConfig", "OomScoreAdj") == -997)
        container.leastOOMScore = 0
        #expect(container.creation.at("HostConfig", "OomScoreAdj") == 0)
    }

    @Test func `a pod of the node's network has the node's name`() {
        let body = DockerSandbox.creation(config(.node), handler: "crun", image: "pause")
        #expect(body["Hostname"] == nil && body.at("HostConfig", "NetworkMode") == "host")
        #expect(body.at("HostConfig", "Runtime") == "crun")
        #expect(body["Labels"]?.strings["io.kubernetes.docker.runtime-handler"] == "crun")
    }

    @Test func `addresses are told as long as the sandbox runs`() throws {
        func status(running: Bool, _ mode: String = "none") throws -> CRI.PodSandboxStatus {
            let inspected: Value = [
                "Id": "s", "Name": "/k8s_POD_web_shop_u_0", "Created": "2026-01-02T03:04:05Z",
                "State": ["Running": .bool(running)], "HostConfig": ["NetworkMode": .string(mode)],
            ]
            return try #require(DockerSandbox.status(inspected, addresses: ["10.42.0.2", "fd00::2"]))
        }
        let ready = try status(running: true)
        #expect(ready.state == .ready && ready.network.ips == ["10.42.0.2", "fd00::2"])
        #expect(ready.linux.namespaces.options.network == .pod)
        #expect(try status(running: false).network.ips.isEmpty && status(running: false).state == .notReady)
        let host = try status(running: true, "host")
        #expect(host.network.ips.isEmpty && host.linux.namespaces.options.network == .node)
    }

    @Test func `the resolver file is the pod's`() {
        let dns = CRI.DNSConfig(servers: ["10.43.0.10"], searches: ["a", "b"], options: ["ndots:5"])
        #expect(DockerSandbox.resolver(dns) == "search a b\nnameserver 10.43.0.10\noptions ndots:5\n")
        #expect(DockerSandbox.resolver(CRI.DNSConfig(servers: [])) == "")
    }
}
