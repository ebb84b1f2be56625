import Glibc
import Support
import Testing

@testable import Host

@Suite struct MountsTests {
    @Test func `memory is mounted, bound elsewhere, made read-only there, and all taken away again`() throws {
        try withMountNamespace { directory in
            let (memory, view) = (directory + "/memory", directory + "/view of it")
            try Files.makeDirectory(memory)
            try Files.makeDirectory(view)
            #expect(try !Mounts.isMountPoint(memory))
            try Mounts.mountMemory(at: memory, size: .kibibytes(64), mode: 0o700)
            #expect(try Mounts.isMountPoint(memory))
            #expect(try Files.space(at: memory).total == .kibibytes(64))
            #expect(try Files.status(of: memory).mode == 0o700)

            try Mounts.bind(memory, at: view)
            try Mounts.makeReadOnly(view)
            try Files.write("text", to: memory + "/file")
            #expect(try Files.readText(view + "/file") == "text")
            #expect(throws: Fault.self) { try Files.write("other", to: view + "/file") }
            let mount = try #require(try Mounts.all().last { $0.path == view })
            #expect(mount.isReadOnly)
            #expect(mount.options.contains("nosuid"), "what was set stays set")
            #expect(mount.type == "tmpfs")

            try Mounts.unmountAll(below: directory)
            try Mounts.unmountAll(below: directory)
            #expect(try !Mounts.isMountPoint(view))
            #expect(try Files.list(memory).isEmpty)
        }
    }

    @Test func `a busy mount is a conflict, unless it is let go lazily`() throws {
        try withMountNamespace { directory in
            try Mounts.mountMemory(at: directory)
            let user = try Descriptor.open(directory, O_RDONLY)
            let fault = #expect(throws: Fault.self) { try Mounts.unmount(directory) }
            #expect(fault?.code == .conflict)
            try Mounts.unmount(directory, lazy: true)
            #expect(try !Mounts.isMountPoint(directory))
            withExtendedLifetime(user) {}
        }
    }

    @Test func `what another mount hides is no mount point`() throws {
        try withMountNamespace { directory in
            let inner = directory + "/inner"
            try Files.makeDirectory(inner)
            try Mounts.mountMemory(at: inner)
            try Mounts.mountMemory(at: directory)
            try Files.makeDirectory(inner)
            #expect(try !Mounts.isMountPoint(inner))
            try Mounts.unmountAll(below: directory)
            #expect(try !Mounts.isMountPoint(directory))
            #expect(try !Mounts.isMountPoint(inner))
            #expect(try !Mounts.isMountPoint("/nowhere"))
        }
    }

    @Test func `propagation is set and read back`() throws {
        try withMountNamespace { directory in
            try Mounts.mountMemory(at: directory)
            for propagation in [MountPoint.Propagation.shared, .sharedSlave, .slave, .unbindable, .private] {
                // A slave needs a master: what is private has none, and stays private.
                if propagation == .sharedSlave || propagation == .slave { continue }
                try Mounts.setPropagation(propagation, of: directory)
                #expect(try Mounts.all().last { $0.path == directory }?.propagation == propagation)
            }
        }
    }

    @Test func `a line of mountinfo is read whole`() throws {
        let mount = try #require(
            MountPoint(
                line:
                    #"36 35 98:0 /part\040one /mnt\0402 rw,noatime shared:7 master:1"#
                    + " - ext3 /dev/root rw,errors=continue"
            ))
        #expect(mount.id == 36)
        #expect(mount.parentID == 35)
        #expect(mount.device == "98:0")
        #expect(mount.root == "/part one")
        #expect(mount.path == "/mnt 2")
        #expect(mount.options == ["rw", "noatime"])
        #expect(mount.propagation == .sharedSlave)
        #expect(mount.type == "ext3")
        #expect(mount.source == "/dev/root")
        #expect(mount.superOptions == ["rw", "errors=continue"])
    }

    @Test(arguments: [
        "", "36 35 98:0 / /mnt rw", "x 35 98:0 / /mnt rw - ext3 /dev/root rw", "36 35 98:0 / /mnt rw - ext3",
    ])
    func `anything else is no mount`(line: String) {
        #expect(MountPoint(line: line) == nil)
    }
}
