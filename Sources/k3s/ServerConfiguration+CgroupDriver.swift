import Glibc
import Host
import Kubelet
import Supervisor
import Support

extension ServerConfiguration {
    /// Where files of the kubelet's configuration are.
    var kubeletConfigurations: String { Path.join(dataDirectory, "agent/etc/kubelet.conf.d") }

    /// Whether pods have control groups, as the kubelet is told by arguments and files.
    func dividesCgroups() throws(Fault) -> Bool { try kubelet().dividesCgroups }

    /// Who makes the control groups of pods: as the kubelet is told by arguments and files, or as suits the machine. The
    /// runtime that is started must know it before there is a kubelet.
    func cgroupDriver() throws(Fault) -> CgroupDriver {
        try kubelet().cgroupDriver
    }

    private func kubelet() throws(Fault) -> KubeletOptions {
        var options = KubeletOptions(
            nodeName: "", internalAddresses: [], version: "", layout: KubeletLayout(root: node.kubelet.rootDirectory))
        options.cgroupDriver = Self.suitedCgroupDriver
        try options.configure(node.kubelet.others, folder: kubeletConfigurations)
        return options
    }

    /// Where nobody says.
    static var suitedCgroupDriver: CgroupDriver {
        // Each service of systemd has one of its own (systemd.exec(5), "Environment Variables Set or Propagated").
        let isService = getenv("INVOCATION_ID").map { $0.pointee != 0 } ?? false
        // sd_booted(3)
        let isBooted = Files.exists("/run/systemd/system")
        return CgroupDriver.suited(
            to: try? CgroupHierarchy.detect(), isServiceOfSystemd: isService && isBooted,
            isInUserNamespace: UserNamespace.isOwn)
    }
}
