import Support
import Testing

@testable import Supervisor

@Suite struct NodeConfigurationTests {
    private func node(_ arguments: [String]) throws -> NodeConfiguration {
        try ServerConfiguration(OptionValues(arguments, options: Option.server)).node
    }

    @Test func `labels, taints and addresses are read as kubectl writes them`() throws {
        let node = try node([
            "--node-label", "a=b,x.io/c=d.e", "--node-label", "bare", "--node-taint", "k=v:NoSchedule,only:NoExecute",
            "--node-ip", "10.0.0.1", "--node-external-ip", "192.0.2.1",
        ])
        #expect(node.labels == ["a": "b", "x.io/c": "d.e", "bare": ""])
        #expect(
            node.taints == [
                NodeConfiguration.Taint(key: "k", value: "v", effect: "NoSchedule"),
                NodeConfiguration.Taint(key: "only", value: "", effect: "NoExecute"),
            ])
        #expect(node.addresses.map(\.description) == ["10.0.0.1"])
        #expect(node.externalAddresses.map(\.description) == ["192.0.2.1"])
    }

    @Test func `a node's name is taken in lower case`() throws {
        #expect(try node(["--node-name", "Node-1.Example"]).name == "node-1.example")
    }

    @Test func `the kubelet's own arguments are understood or refused`() throws {
        let node = try node(["--kubelet-arg", "root-dir=/k", "--kubelet-arg=port=10251", "--kubelet-arg", "max-pods=7"])
        #expect(node.kubelet.rootDirectory == "/k")
        #expect(node.kubelet.port == 10251)
        #expect(node.kubelet.maxPods == 7)
        let others = try self.node(["--kubelet-arg=enable-debugging-handlers=false"]).kubelet.others
        #expect(others == ["enable-debugging-handlers": "false"])
        let sysctls = ["allowed-unsafe-sysctls": "net.core.somaxconn,kernel.msg*", "seccomp-default": "true"]
        #expect(try self.node(sysctls.map { "--kubelet-arg=\($0.key)=\($0.value)" }).kubelet.others == sysctls)
    }

    @Test func `what changes nothing may be said to the kubelet, and what is so anyhow`() throws {
        let hardened = [
            "streaming-connection-idle-timeout=5m", "make-iptables-util-chains=true", "event-qps=0", "v=2",
            "anonymous-auth=false", "authorization-mode=Webhook", "read-only-port=0", "register-node",
        ].flatMap { ["--kubelet-arg", $0] }
        let kubelet = try node(hardened).kubelet
        #expect(
            kubelet.idle == ["streaming-connection-idle-timeout", "make-iptables-util-chains", "event-qps", "v"]
                && kubelet.others.isEmpty)
        for text in ["anonymous-auth", "anonymous-auth=true", "authorization-mode=AlwaysAllow", "read-only-port=10255"] {
            let fault = #expect(throws: Fault.self) { try node(["--kubelet-arg", text]) }
            #expect(fault?.summary.contains("is always") == true && fault?.code == .unsupported)
        }
        // Nothing is in two of the lists.
        typealias Arguments = NodeConfiguration.KubeletArguments
        let settled = Set(Arguments.settled.keys)
        #expect(Arguments.names.isDisjoint(with: Arguments.idleNames.union(settled)))
        #expect(Arguments.idleNames.isDisjoint(with: settled))
    }

    @Test func `what each node of memory keeps may be said one by one`() throws {
        let node = try node(["--kubelet-arg=reserved-memory=0:memory=1Gi", "--kubelet-arg=reserved-memory=1:memory=2Gi"])
        #expect(node.kubelet.others == ["reserved-memory": "0:memory=1Gi;1:memory=2Gi"])
        // They go before what a configuration file says.
        let said = try self.node(["--kubelet-arg=max-pods=7", "--kubelet-arg=cgroup-root=/a", "--kubelet-arg=config=/f"])
        #expect(said.kubelet.others == ["max-pods": "7", "cgroup-root": "/a", "config": "/f"])
    }

    @Test func `the kernel may be protected by k3s' flag, and the kubelet's goes before it`() throws {
        let name = "protect-kernel-defaults"
        #expect(try node([]).kubelet.others[name] == nil)
        #expect(try node(["--protect-kernel-defaults"]).kubelet.others == [name: "true"])
        #expect(try node(["--kubelet-arg=\(name)=false", "--\(name)"]).kubelet.others == [name: "false"])
    }

    @Test(arguments: ["NoSchedule", "PreferNoSchedule", "NoExecute"])
    func `a taint has one of three effects`(_ effect: String) throws {
        #expect(try node(["--node-taint", "k=v:" + effect]).taints.map(\.effect) == [effect])
    }

    @Test func `what is not said to the kubelet has a default`() throws {
        let kubelet = try node([]).kubelet
        #expect(kubelet.port == 10_250 && kubelet.maxPods == 110 && kubelet.cgroupRoot == "/")
    }

    @Test func `a kubelet's argument may have its dashes, and its value an equals sign`() throws {
        #expect(try node(["--kubelet-arg=eviction-hard=a<1"]).kubelet.others == ["eviction-hard": "a<1"])
        let node = try node(["--kubelet-arg", "--max-pods=7", "--kubelet-arg=-cgroup-root=/a=b"])
        #expect(node.kubelet.maxPods == 7 && node.kubelet.cgroupRoot == "/a=b")
    }

    @Test(arguments: [
        ("port=1", true), ("port=65535", true), ("port=0", false), ("port=65536", false), ("port", false),
        ("max-pods=1", true), ("max-pods=100000", true), ("max-pods=0", false), ("max-pods=100001", false),
    ]) func `numbers have bounds`(_ argument: String, _ isGood: Bool) {
        #expect(((try? node(["--kubelet-arg", argument])) != nil) == isGood)
    }

    @Test(arguments: [
        (["--node-taint", "k=v:Never"], "--node-taint k=v:Never is not of the form"),
        (["--node-taint", "k=v:"], "--node-taint k=v: is not of the form"),
        (["--node-taint", "k=v:NoExecute:x"], "--node-taint k=v:NoExecute:x is not of the form"),
        (["--node-taint", "k=v"], "--node-taint k=v is not of the form"),
        (["--node-taint", "a b=v:NoExecute"], "--node-taint a b=v:NoExecute is not of the form"),
        (["--node-label", "a=b=c"], "--node-label a=b=c is not of the form key=value"),
        (["--node-name", "node_1"], "--node-name node_1 cannot name a node: a lowercase RFC 1123 subdomain"),
        (["--node-ip", "here"], "--node-ip here is no IP address"),
        (["--kubelet-arg", "bootstrap-kubeconfig=x"], "--kubelet-arg bootstrap-kubeconfig is not part of this version"),
        (["--kubelet-arg", "port=x"], "--kubelet-arg port=x is not a number"),
    ]) func `what cannot be understood is told in one sentence`(_ arguments: [String], _ sentence: String) {
        #expect { try node(arguments) } throws: { ($0 as? Fault)?.summary.contains(sentence) ?? false }
    }
}
