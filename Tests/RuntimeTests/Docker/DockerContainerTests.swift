import APIMachinery
import Support
import Testing

@testable import Runtime

@Suite struct DockerContainerTests {
    private func container(_ change: (inout CRI.ContainerConfig) -> Void = { _ in }) -> DockerContainer {
        var config = CRI.ContainerConfig()
        config.metadata = CRI.ContainerMetadata(name: "app")
        config.image = CRI.ImageSpec("sha256:1")
        config.logPath = "app/0.log"
        change(&config)
        var pod = CRI.PodSandboxConfig()
        pod.logDirectory = "/var/log/pods/p"
        pod.linux.cgroupParent = "/kubepods/pod1"
        return DockerContainer(sandbox: "box", config: config, sandboxConfig: pod)
    }

    private func host(_ change: (inout CRI.ContainerConfig) -> Void) -> Value {
        container(change).creation["HostConfig"] ?? .null
    }

    @Test func `a command takes the entry point's place, and nothing the image's`() {
        let plain = container().creation
        #expect(plain["Entrypoint"] == nil && plain["Cmd"] == nil && plain["User"] == nil && plain["WorkingDir"] == nil)
        #expect(plain["Healthcheck"] == ["Test": ["NONE"]])
        let full = container {
            $0.command = ["/bin/sh"]
            $0.args = ["-c", "true"]
            $0.workingDir = "/w"
            $0.envs = [CRI.KeyValue("A", "b=c")]
            $0.stdin = true
            $0.tty = true
        }.creation
        #expect(full["Entrypoint"] == ["/bin/sh"] && full["Cmd"] == ["-c", "true"] && full["WorkingDir"] == "/w")
        #expect(full["Env"] == ["A=b=c"] && full["OpenStdin"] == true && full["StdinOnce"] == false && full["Tty"] == true)
    }

    @Test func `labels tell the sandbox and where the log is looked for`() {
        let labels = container { $0.annotations = ["a": "b"] }.creation["Labels"]?.strings
        #expect(
            labels == [
                "io.kubernetes.docker.type": "container", "io.kubernetes.sandbox.id": "box",
                "io.kubernetes.container.logpath": "/var/log/pods/p/app/0.log", "annotation.a": "b",
            ])
    }

    @Test func `namespaces are the sandbox's, the node's or another container's`() {
        let shared = host { $0.linux.securityContext.namespaceOptions.pid = .container }
        #expect(shared["NetworkMode"] == "container:box" && shared["IpcMode"] == "container:box")
        #expect(shared["PidMode"] == nil && shared["UTSMode"] == nil)
        let node = host {
            $0.linux.securityContext.namespaceOptions = CRI.NamespaceOption(network: .node, pid: .node, ipc: .node)
        }
        #expect(node["NetworkMode"] == "container:box" && node["IpcMode"] == "host" && node["PidMode"] == "host")
        #expect(node["UTSMode"] == "host")
        #expect(host { $0.linux.securityContext.namespaceOptions.pid = .pod }["PidMode"] == "container:box")
        let target = host {
            $0.linux.securityContext.namespaceOptions.pid = .target
            $0.linux.securityContext.namespaceOptions.targetID = "other"
        }
        #expect(target["PidMode"] == "container:other")
    }

    @Test func `limits come with as much swap as was allowed`() {
        let limited = host {
            $0.linux.resources.memoryLimitInBytes = 100
            $0.linux.resources.cpuQuota = 5000
            $0.linux.resources.cpusetCPUs = "0-1"
            $0.linux.resources.oomScoreAdj = 7
        }
        #expect(limited["Memory"] == 100 && limited["MemorySwap"] == 100 && limited["CpuQuota"] == 5000)
        #expect(limited["CpusetCpus"] == "0-1" && limited["OomScoreAdj"] == 7 && limited["CpuShares"] == nil)
        #expect(limited["CgroupParent"] == "/kubepods/pod1")
        let swapping = host {
            $0.linux.resources.memoryLimitInBytes = 100
            $0.linux.resources.memorySwapLimitInBytes = 150
        }
        #expect(swapping["MemorySwap"] == 150)
        #expect(DockerResources.read(limited).cpuQuota == 5000 && DockerResources.read(limited).memoryLimitInBytes == 100)
    }

    @Test func `how a container is confined`() {
        let open = host { $0.linux.securityContext.seccomp = CRI.SecurityProfile(.unconfined) }
        #expect(open["SecurityOpt"] == ["seccomp=unconfined"])
        // Without a list Docker would hide its own.
        #expect(open["MaskedPaths"] == [] && open["ReadonlyPaths"] == [])
        let privileged = host { $0.linux.securityContext.privileged = true }
        #expect(privileged["Privileged"] == true && privileged["MaskedPaths"] == nil)
        var local = container {
            $0.linux.securityContext.seccomp = CRI.SecurityProfile(.localhost, localhostRef: "/p.json")
            $0.linux.securityContext.apparmor = CRI.SecurityProfile(.localhost, localhostRef: "localhost/mine")
            $0.linux.securityContext.noNewPrivs = true
            var label = CRI.SELinuxOption()
            label.level = "s0:c1,c2"
            $0.linux.securityContext.selinuxOptions = label
            var capabilities = CRI.Capability()
            capabilities.addCapabilities = ["NET_ADMIN"]
            capabilities.dropCapabilities = ["ALL"]
            $0.linux.securityContext.capabilities = capabilities
            $0.linux.securityContext.readonlyRootfs = true
            $0.linux.securityContext.supplementalGroups = [5]
            $0.linux.securityContext.maskedPaths = ["/proc/kcore"]
        }
        local.seccompProfile = "{}"
        let made = local.creation["HostConfig"]
        #expect(
            made?["SecurityOpt"] == ["seccomp={}", "apparmor=mine", "label=level:s0:c1,c2", "no-new-privileges"])
        #expect(made?["CapAdd"] == ["NET_ADMIN"] && made?["CapDrop"] == ["ALL"] && made?["ReadonlyRootfs"] == true)
        #expect(made?["GroupAdd"] == ["5"] && made?["MaskedPaths"] == ["/proc/kcore"])
    }

    @Test(arguments: [
        (Int64?.none, "", Int64?.none, String?.none), (1000, "", nil, "1000"), (nil, "app", 5, "app:5"), (nil, "", 5, "0:5"),
        (0, "", 0, "0:0"),
    ])
    func `users and groups`(uid: Int64?, name: String, group: Int64?, expected: String?) {
        #expect(DockerSecurity.user(uid, name: name, group: group) == expected)
    }

    @Test func `mounts, devices and devices by name`() {
        let made = host {
            var labelled = CRI.Mount("/c", at: "/d", readonly: true)
            labelled.selinuxRelabel = true
            $0.mounts = [CRI.Mount("/a:b", at: "/x", readonly: true, propagation: .bidirectional), labelled]
            var device = CRI.Device()
            (device.hostPath, device.containerPath, device.permissions) = ("/dev/a", "/dev/b", "rw")
            $0.devices = [device]
            var named = CRI.CDIDevice()
            named.name = "v/c=1"
            $0.cdiDevices = [named]
        }
        #expect(
            made["Mounts"] == [
                [
                    "Type": "bind", "Source": "/a:b", "Target": "/x", "ReadOnly": true,
                    "BindOptions": ["Propagation": "rshared"],
                ]
            ])
        #expect(made["Binds"] == ["/c:/d:ro,Z,rprivate"])
        #expect(made["Devices"] == [["PathOnHost": "/dev/a", "PathInContainer": "/dev/b", "CgroupPermissions": "rw"]])
        #expect(made["DeviceRequests"] == [["Driver": "cdi", "DeviceIDs": ["v/c=1"]]])
        var newer = container { $0.mounts = [CRI.Mount("/a", at: "/x", readonly: true)] }
        newer.version = DockerVersion(1, 44)
        let mount = newer.creation.at("HostConfig", "Mounts")?.array?.first
        #expect(mount?.at("BindOptions", "ReadOnlyNonRecursive") == true)
    }

    // MARK: What comes back

    private static let never = "0001-01-01T00:00:00Z"

    private func inspected(_ state: Value) -> Value {
        [
            "Id": "c1", "Name": "/k8s_app_web_shop_u_1", "Created": "2026-01-02T03:04:05.5Z", "Image": "sha256:1",
            "State": state, "HostConfig": ["Memory": 100, "CpuShares": 2],
            "Config": ["Image": "sha256:1", "Labels": ["io.kubernetes.container.logpath": "/l", "a": "b"]],
            "Mounts": [["Source": "/s", "Destination": "/d", "RW": false, "Propagation": "rslave"]],
        ]
    }

    private static let states: [(state: Value, expected: CRI.ContainerState, reason: String, code: Int32)] = [
        (["StartedAt": .string(never), "FinishedAt": .string(never)], .created, "", 0),
        (["StartedAt": .string(never), "FinishedAt": .string(never), "ExitCode": 127], .exited, "ContainerCannotRun", 127),
        (["Running": true, "StartedAt": "2026-01-02T03:04:06Z", "FinishedAt": .string(never)], .running, "", 0),
        (["StartedAt": "2026-01-02T03:04:06Z", "FinishedAt": "2026-01-02T03:04:07Z"], .exited, "Completed", 0),
        (["StartedAt": "2026-01-02T03:04:06Z", "FinishedAt": "2026-01-02T03:04:07Z", "ExitCode": 2], .exited, "Error", 2),
        (
            ["StartedAt": "2026-01-02T03:04:06Z", "FinishedAt": "2026-01-02T03:04:07Z", "ExitCode": 137, "OOMKilled": true],
            .exited, "OOMKilled", 137
        ),
    ]

    @Test func `states and their reasons`() throws {
        for (state, expected, reason, code) in Self.states {
            let status = try #require(DockerContainer.status(inspected(state), image: nil))
            #expect(status.state == expected && status.reason == reason && status.exitCode == code, "\(state)")
            #expect(status.state != .exited || status.finishedAt > 0)
        }
    }

    @Test func `a status tells names, times, mounts and limits`() throws {
        let image: Value = ["Id": "sha256:1", "RepoTags": ["nginx:1"], "RepoDigests": ["nginx@sha256:2"]]
        let running: Value = ["Running": true, "StartedAt": "2026-01-02T03:04:06.000000007Z", "FinishedAt": .string(Self.never)]
        let status = try #require(DockerContainer.status(inspected(running), image: image))
        #expect(status.metadata == CRI.ContainerMetadata(name: "app", attempt: 1))
        #expect(status.startedAt == 1_767_323_046_000_000_007 && status.createdAt == 1_767_323_045_500_000_000)
        #expect(status.image.image == "nginx:1" && status.imageRef == "docker-pullable://nginx@sha256:2")
        #expect(status.imageID == "sha256:1" && status.logPath == "/l" && status.labels == ["a": "b"])
        #expect(status.mounts == [CRI.Mount("/s", at: "/d", readonly: true, propagation: .hostToContainer)])
        #expect(status.resources?.linux.memoryLimitInBytes == 100)
        let orphan = try #require(DockerContainer.status(inspected(running), image: nil))
        #expect(orphan.imageRef == "docker://sha256:1")
    }

    @Test func `lists tell the state by a word`() {
        func state(_ word: String) -> CRI.ContainerState? {
            DockerContainer.listed([
                "Id": "c", "Names": ["/other/link", "/k8s_app_web_shop_u_1"], "State": .string(word), "Created": 5,
                "Labels": ["io.kubernetes.sandbox.id": "box"],
            ])?.state
        }
        #expect(state("running") == .running && state("paused") == .running && state("created") == .created)
        #expect(state("exited") == .exited && state("dead") == .exited && state("removing") == .unknown)
        #expect(DockerContainer.listed(["Id": "c", "Names": ["/mine"]]) == nil)
    }
}
