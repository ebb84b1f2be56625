import Support
import Testing

@testable import Host
@testable import Kubelet

@Suite struct CgroupNamesTests {
    @Test(arguments: [
        (CgroupDriver.cgroupfs, "/", QualityOfService.guaranteed, "/kubepods/poda-b"),
        (.cgroupfs, "/", .burstable, "/kubepods/burstable/poda-b"),
        (.cgroupfs, "/", .bestEffort, "/kubepods/besteffort/poda-b"),
        (.cgroupfs, "/own.slice", .guaranteed, "/own.slice/kubepods/poda-b"),
        (.systemd, "/", .guaranteed, "/kubepods.slice/kubepods-poda_b.slice"),
        (.systemd, "/", .burstable, "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-poda_b.slice"),
        (.systemd, "/", .bestEffort, "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-poda_b.slice"),
        (.systemd, "/my-own", .guaranteed, "/my_own.slice/my_own-kubepods.slice/my_own-kubepods-poda_b.slice"),
        (.systemd, "/x.slice/x-y.slice", .guaranteed, "/x.slice/x-y.slice/x-y-kubepods.slice/x-y-kubepods-poda_b.slice"),
        (.systemd, "/-.slice", .guaranteed, "/kubepods.slice/kubepods-poda_b.slice"),
    ] as [(CgroupDriver, String, QualityOfService, String)])
    func `each class of pods has its groups`(
        driver: CgroupDriver, root: String, quality: QualityOfService, path: String
    ) {
        let names = CgroupNames(driver, root: root)
        #expect(names.path(podUID: "a-b", quality) == path)
        #expect(names.podUID(ofGroup: Path.name(of: path), in: quality) == "a-b")
        #expect(names.path(of: quality) == Path.parent(of: path))
    }

    @Test func `other groups are no pods`() {
        let (own, systemd) = (CgroupNames(.cgroupfs), CgroupNames(.systemd))
        #expect(own.podUID(ofGroup: "burstable", in: .guaranteed) == nil)
        #expect(systemd.podUID(ofGroup: "kubepods-burstable.slice", in: .guaranteed) == nil)
        #expect(systemd.podUID(ofGroup: "kubepods-burstable-podu.slice", in: .guaranteed) == nil)
    }

    @Test func `a group of the machine is named as a path or as slices`() {
        #expect(CgroupNames(.cgroupfs).path(of: "/system.slice") == "/system.slice")
        for name in ["/system.slice", "system.slice", "/system", "system"] {
            #expect(CgroupNames(.systemd, root: "/elsewhere").path(of: name) == "/system.slice")
        }
    }

    @Test(arguments: [
        ("0af3", "0af3"), ("cri-containerd-0af3.scope", "0af3"), ("crio-0af3.scope", "0af3"),
    ])
    func `a container's group tells its id`(group: String, id: String) {
        #expect(CgroupNames.containerID(ofGroup: group) == id)
    }

    private static func hierarchy(_ controllers: [CgroupHierarchy.Controller], isUnified: Bool) -> CgroupHierarchy {
        let mounts = isUnified ? ["/u"] : controllers.map { "/v1/\($0.rawValue)" }
        let roots = Dictionary(uniqueKeysWithValues: controllers.enumerated().map { ($1, mounts[isUnified ? 0 : $0]) })
        return CgroupHierarchy(roots: roots, unifiedRoot: isUnified ? "/u" : nil)
    }

    @Test func `systemd makes groups where it runs us on cgroup v2 with all controllers`() {
        func choice(
            _ hierarchy: CgroupHierarchy?, isService: Bool = true, isInUserNamespace: Bool = false
        ) -> CgroupDriver {
            CgroupDriver.suited(to: hierarchy, isServiceOfSystemd: isService, isInUserNamespace: isInUserNamespace)
        }
        let whole = Self.hierarchy([.cpu, .memory, .cpuset], isUnified: true)
        #expect(choice(whole) == .systemd)
        #expect(choice(whole, isService: false) == .cgroupfs)
        #expect(choice(whole, isInUserNamespace: true) == .cgroupfs)
        #expect(choice(Self.hierarchy([.cpu, .memory], isUnified: true)) == .cgroupfs)
        #expect(choice(Self.hierarchy([.cpu, .memory, .cpuset], isUnified: false)) == .cgroupfs)
        #expect(choice(nil) == .cgroupfs)
    }
}
