import Glibc
import Host
import Kubelet
import Supervisor
import Support

extension ServerConfiguration {
    /// Where files of the kubelet's configuration are.
    var kubeletConfigurations: String { Path.join(dataDirectory, "agent/etc/kubelet.conf.d") }

    /// Who makes the control groups of pods: as the kubelet is told by arguments and files, or as suits the machine. The
    /// runtime that is started must know it before there is a kubelet.
    func cgroupDriver() throws(Fault) -> CgroupDriver {
        var options = KubeletOptions(
            nodeName: "", internalAddresses: [], version: "", layout: KubeletLayout(root: node.kubelet.rootDirectory))
        options.cgroupDriver = Self.suitedCgroupDriver
        try options.configure(node.kubelet.others, folder: kubeletConfigurations)
        return options.cgroupDriver
    }

    /// Where nobody says.
    static var suitedCgroupDriver: CgroupDriver {
        // Each service of systemd has one of its own (systemd.exec(5), "Environment Variables Set or Propagated").
        let isService = getenv("INVOCATION_ID").map { $0.pointee != 0 } ?? false
        // sd_booted(3)
        let isBooted = Files.exists("/run/systemd/system")
        // Outside of user namespaces every id is what it is (user_namespaces(7)).
        let map = (try? Files.readText("/proc/self/uid_map")) ?? ""
        let isOutside = map.split(whereSeparator: \.isWhitespace).prefix(3).elementsEqual(["0", "0", "4294967295"])
        return CgroupDriver.suited(
            to: try? CgroupHierarchy.detect(), isServiceOfSystemd: isService && isBooted, isInUserNamespace: !isOutside)
    }
}
