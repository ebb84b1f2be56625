import API
import APIMachinery
import Host
import Runtime
import Support
import Testing

@testable import Kubelet

@Suite struct ResolverConfigurationTests {
    private let host = ResolverConfiguration("nameserver 1.1.1.1\nsearch example.org\noptions edns0\n")

    private func dns(_ spec: Value) -> CRI.DNSConfig {
        ResolverConfiguration.dns(
            of: PodSpec(spec), namespace: "ns", host: host, clusterServers: ["10.43.0.10"],
            clusterDomain: "cluster.local")
    }

    @Test func `a file is read`() {
        let text =
            "# x\nnameserver 1.1.1.1\nsearch a\nsearch b c\nnameserver ::1 # y\noptions ndots:2 rotate\n"
        let read = ResolverConfiguration(text)
        #expect(read.servers == ["1.1.1.1", "::1"] && read.searches == ["b", "c"])
        #expect(read.options == ["ndots:2", "rotate"])
    }

    @Test func `ClusterFirst asks the cluster`() {
        let config = dns(["dnsPolicy": "ClusterFirst"])
        #expect(config.servers == ["10.43.0.10"] && config.options == ["ndots:5"])
        #expect(
            config.searches == ["ns.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.org"])
    }

    @Test func `the node's network means the node's names, unless asked otherwise`() {
        #expect(dns(["dnsPolicy": "ClusterFirst", "hostNetwork": true]).servers == ["1.1.1.1"])
        let asked = dns(["dnsPolicy": "ClusterFirstWithHostNet", "hostNetwork": true])
        #expect(asked.servers == ["10.43.0.10"])
    }

    @Test func `Default is the node's, None is the pod's alone`() {
        #expect(dns(["dnsPolicy": "Default"]).options == ["edns0"])
        let own: Value = [
            "nameservers": ["9.9.9.9"], "searches": ["x.y"],
            "options": [["name": "ndots", "value": "2"], ["name": "rotate"]],
        ]
        let none = dns(["dnsPolicy": "None", "dnsConfig": own])
        #expect(
            none.servers == ["9.9.9.9"] && none.searches == ["x.y"] && none.options == ["ndots:2", "rotate"])
        let merged = dns(["dnsPolicy": "ClusterFirst", "dnsConfig": own])
        #expect(merged.servers == ["10.43.0.10", "9.9.9.9"] && merged.options == ["ndots:2", "rotate"])
    }

    @Test func `no more is passed on than resolvers take`() {
        let servers: [Value] = (0..<6).map { .string("10.0.0.\($0)") }
        let config = dns(["dnsPolicy": "None", "dnsConfig": ["nameservers": .array(servers)]])
        #expect(config.servers.count == 3)
    }
}

@Suite struct ContainerSecurityTests {
    private func context(
        _ container: Value = .emptyObject, pod: Value = .emptyObject, image: CRI.Image = CRI.Image()
    ) -> CRI.LinuxContainerSecurityContext {
        security(container, pod: pod).context(image, target: nil)
    }

    private func security(_ container: Value, pod: Value) -> ContainerSecurity {
        var owner = Pod(namespace: "ns", name: "p")
        owner.metadata.uid = "u"
        owner.spec.value["securityContext"] = pod
        return ContainerSecurity(
            Container(["name": "c", "securityContext": container]), in: owner, seccompProfiles: "/profiles")
    }

    private func image(uid: Int64? = nil, name: String = "") -> CRI.Image {
        var image = CRI.Image()
        (image.uid, image.username) = (uid, name)
        return image
    }

    @Test func `the container's user goes before the pod's and the image's`() {
        #expect(context(["runAsUser": 5], pod: ["runAsUser": 6], image: image(uid: 7)).runAsUser == 5)
        #expect(context(pod: ["runAsUser": 6], image: image(uid: 7)).runAsUser == 6)
        #expect(context(image: image(uid: 7)).runAsUser == 7)
        let named = context(image: image(name: "www"))
        #expect(named.runAsUser == nil && named.runAsUsername == "www")
    }

    @Test func `groups of the pod and its volumes are added`() {
        #expect(context(pod: ["supplementalGroups": [1, 2], "fsGroup": 3]).supplementalGroups == [1, 2, 3])
    }

    @Test func `a plain container is confined as Kubernetes confines it`() {
        let plain = context()
        #expect(!plain.privileged && !plain.noNewPrivs && !plain.readonlyRootfs && plain.capabilities == nil)
        #expect(plain.seccomp?.profileType == .unconfined && plain.apparmor == nil)
        #expect(plain.maskedPaths.contains("/proc/kcore") && plain.readonlyPaths.contains("/proc/sys"))
        #expect(plain.namespaceOptions.pid == .container && plain.namespaceOptions.network == .pod)
    }

    @Test func `where the node says so, who says nothing of seccomp is confined by the runtime's profile`() {
        var plain = security([:], pod: [:])
        plain.isConfinedByDefault = true
        #expect(plain.context(CRI.Image(), target: nil).seccomp?.profileType == .runtimeDefault)
        var free = security(["seccompProfile": ["type": "Unconfined"]], pod: [:])
        free.isConfinedByDefault = true
        #expect(free.context(CRI.Image(), target: nil).seccomp?.profileType == .unconfined)
    }

    @Test func `every wish is passed on`() {
        let full = context([
            "privileged": true, "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
            "procMount": "Unmasked", "capabilities": ["add": ["NET_ADMIN"], "drop": ["ALL"]],
            "seccompProfile": ["type": "Localhost", "localhostProfile": "a/b.json"],
            "appArmorProfile": ["type": "RuntimeDefault"],
        ])
        #expect(full.privileged && full.noNewPrivs && full.readonlyRootfs && full.maskedPaths.isEmpty)
        #expect(
            full.capabilities?.addCapabilities == ["NET_ADMIN"]
                && full.capabilities?.dropCapabilities == ["ALL"])
        #expect(full.seccomp == CRI.SecurityProfile(.localhost, localhostRef: "/profiles/a/b.json"))
        #expect(full.apparmor?.profileType == .runtimeDefault)
        #expect(
            context(pod: ["seccompProfile": ["type": "RuntimeDefault"]]).seccomp?.profileType
                == .runtimeDefault)
    }

    @Test func `labels of SELinux are passed on, the container's before the pod's`() {
        let (own, shared): (Value, Value) = (
            ["seLinuxOptions": ["user": "u", "role": "r", "type": "t", "level": "s0:c1,c2"]],
            ["seLinuxOptions": ["level": "s0:c3"]]
        )
        func label(_ options: CRI.SELinuxOption?) -> [String]? {
            options.map { [$0.user, $0.role, $0.type, $0.level] }
        }
        #expect(label(context(own, pod: shared).selinuxOptions) == ["u", "r", "t", "s0:c1,c2"])
        #expect(label(context(pod: shared).selinuxOptions) == ["", "", "", "s0:c3"])
        #expect(context().selinuxOptions == nil)
    }

    @Test func `root is refused where it must not be`() throws {
        let must: Value = ["runAsNonRoot": true]
        func complaint(_ container: Value, _ image: CRI.Image) -> String? {
            do throws(RootRefused) { try security(container, pod: must).checkUser(image) } catch {
                return error.message
            }
            return nil
        }
        #expect(complaint(.emptyObject, image(uid: 5)) == nil)
        #expect(complaint(["runAsUser": 5], image()) == nil)
        #expect(complaint(["runAsNonRoot": false], image()) == nil)
        #expect(
            complaint(.emptyObject, image())
                == "container has runAsNonRoot and image will run as root (pod: \"p_ns(u)\", container: c)")
        #expect(complaint(.emptyObject, image(uid: 0))?.contains("will run as root") == true)
        #expect(complaint(.emptyObject, image(name: "www"))?.contains("non-numeric user (www)") == true)
        #expect(complaint(["runAsUser": 0], image(uid: 5))?.contains("breaks non-root policy") == true)
    }
}

@Suite struct SandboxConfigurationTests {
    private func options() -> KubeletOptions {
        var options = KubeletOptions(
            nodeName: "n", internalAddresses: [.v4(1)], version: "v1",
            layout: KubeletLayout(root: "/r", podLogs: "/logs"))
        options.clusterDNS = ["10.43.0.10"]
        return options
    }

    private func config(
        _ spec: Value, root: String = "/", driver: CgroupDriver = .cgroupfs
    ) -> CRI.PodSandboxConfig {
        var pod = Pod(namespace: "ns", name: "p")
        pod.metadata.uid = "u"
        pod.metadata.labels = ["app": "x"]
        pod.spec = PodSpec(spec)
        var options = options()
        (options.cgroupRoot, options.cgroupDriver) = (root, driver)
        return SandboxConfiguration(options, pod, resolver: ResolverConfiguration("")).config(pod, attempt: 2)
    }

    @Test func `a sandbox is named and labelled so that it is found again`() {
        let config = config(["containers": []])
        #expect(config.metadata == CRI.PodSandboxMetadata(name: "p", uid: "u", namespace: "ns", attempt: 2))
        #expect(config.labels["io.kubernetes.pod.uid"] == "u" && config.labels["app"] == "x")
        #expect(config.logDirectory == "/logs/ns_p_u" && config.hostname == "p")
        #expect(config.linux.cgroupParent == "/kubepods/besteffort/podu")
        #expect(
            self.config(["containers": []], root: "/n1").linux.cgroupParent == "/n1/kubepods/besteffort/podu")
        let slices = "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podu.slice"
        #expect(self.config(["containers": []], driver: .systemd).linux.cgroupParent == slices)
    }

    @Test func `a sandbox has the pod's label of SELinux`() {
        let labelled = config(["containers": [], "securityContext": ["seLinuxOptions": ["type": "spc_t"]]])
        #expect(labelled.linux.securityContext.selinuxOptions?.type == "spc_t")
        #expect(config(["containers": []]).linux.securityContext.selinuxOptions == nil)
    }

    @Test func `a sandbox lets in who must be privileged, also for people who look for a fault later`() {
        let privileged: Value = [["name": "a", "securityContext": ["privileged": true]]]
        for list in ["containers", "initContainers", "ephemeralContainers"] {
            #expect(config([list: privileged]).linux.securityContext.privileged, "\(list)")
        }
        #expect(!config(["containers": [["name": "a"]]]).linux.securityContext.privileged)
    }

    @Test func `a pod in the node's network has the node's name, and none has the runtime open ports`() {
        let ports: Value = [["containerPort": 80, "hostPort": 8080]]
        let own = config(["containers": [["name": "a", "ports": ports]]])
        #expect(own.portMappings.isEmpty && own.hostname == "p")
        let shared = config(["hostNetwork": true, "containers": [["name": "a", "ports": ports]]])
        #expect(shared.portMappings.isEmpty && shared.hostname.isEmpty)
        #expect(shared.linux.securityContext.namespaceOptions.network == .node)
    }

    @Test func `namespaces are shared as the pod asks`() {
        let shared = config(["shareProcessNamespace": true, "hostIPC": true, "containers": []])
        let options = shared.linux.securityContext.namespaceOptions
        #expect(options.pid == .pod && options.ipc == .node && options.network == .pod)
        #expect(
            config(["hostPID": true, "containers": []]).linux.securityContext.namespaceOptions.pid == .node)
    }

    @Test func `a host name fits the kernel, and has a domain when there is one`() {
        var pod = Pod(namespace: "ns", name: String(repeating: "a", count: 62) + "-b")
        #expect(PodHostname(pod, clusterDomain: "c").name == String(repeating: "a", count: 62))
        pod.spec = PodSpec(["hostname": "web", "subdomain": "sub"])
        let name = PodHostname(pod, clusterDomain: "cluster.local")
        #expect(name.name == "web" && name.domain == "sub.ns.svc.cluster.local" && name.inSandbox == "web")
        pod.spec.setHostnameAsFQDN = true
        #expect(PodHostname(pod, clusterDomain: "c").inSandbox == "web.sub.ns.svc.c")
        #expect(throws: Never.self) { try PodHostname(pod, clusterDomain: "c").check() }
        pod.spec.hostname = String(repeating: "a", count: 50)
        #expect(throws: Never.self) { try PodHostname(pod, clusterDomain: "ab").check() }
        let fault = #expect(throws: Fault.self) { try PodHostname(pod, clusterDomain: "abc").check() }
        #expect(
            fault?.summary.hasSuffix(
                ".sub.ns.svc.abc is too long (64 characters is the max, 65 characters requested)") == true)
        pod.spec.setHostnameAsFQDN = nil
        #expect(throws: Never.self) { try PodHostname(pod, clusterDomain: "abc").check() }
    }

    @Test func `the hosts file names the pod`() {
        let aliases = [HostAlias(["ip": "1.2.3.4", "hostnames": ["x", "y"]])]
        let text = HostsFile.text(ips: ["10.42.0.2"], hostname: "web", domain: "sub.ns", aliases: aliases)
        #expect(text.hasPrefix("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n"))
        #expect(text.contains("\n10.42.0.2\tweb.sub.ns\tweb\n"))
        #expect(text.hasSuffix("\n# Entries added by HostAliases.\n1.2.3.4\tx\ty\n"))
        let host = HostsFile.text(ofHost: "127.0.0.1 me\n", aliases: [])
        #expect(host == "# Kubernetes-managed hosts file (host network).\n127.0.0.1 me\n")
    }
}

@Suite struct PodCgroupTests {
    private func values(_ spec: Value) -> CgroupValues { CgroupValues(ofPod: PodSpec(spec)) }

    @Test func `a pod has what its containers have together`() {
        let both = values([
            "containers": [
                ["resources": ["requests": ["cpu": "500m"], "limits": ["cpu": "1", "memory": "1Gi"]]],
                ["resources": ["requests": ["cpu": "250m"], "limits": ["cpu": "500m", "memory": "1Gi"]]],
            ]
        ])
        #expect(both.cpuShares == 768 && both.cpuQuota == 150_000 && both.memoryLimit == 2 << 30)
    }

    @Test func `one container without a limit leaves the pod without it`() {
        let mixed = values([
            "containers": [
                ["resources": ["limits": ["memory": "1Gi", "cpu": "1"]]], ["resources": .emptyObject],
            ]
        ])
        #expect(mixed.memoryLimit == nil && mixed.cpuQuota == nil && mixed.cpuShares == 1024)
    }

    @Test func `init containers count one at a time, sidecars all along`() {
        func limit(_ amount: String) -> Value { ["limits": ["memory": .string(amount)]] }
        let pod = values([
            "initContainers": [
                ["restartPolicy": "Always", "resources": limit("1Gi")], ["resources": limit("4Gi")],
            ], "containers": [["resources": limit("2Gi")]],
        ])
        #expect(pod.memoryLimit == 5 << 30)
    }
}
