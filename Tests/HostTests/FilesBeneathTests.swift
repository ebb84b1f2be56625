import Support
import Testing

@testable import Host

@Suite struct FilesBeneathTests {
    @Test func `a reference names one file, whatever happens to its name`() throws {
        try withTemporaryDirectory { directory in
            try Files.write("old", to: directory + "/file")
            let file = try Files.reference("file", beneath: directory)
            try Files.write("new", to: directory + "/file")
            #expect(try Files.readText(file.procPath) == "old")
        }
    }

    @Test(arguments: ["../out", "up/out", "/etc/passwd", "inner/../../out", "absolute"])
    func `nothing leads out of the directory`(path: String) throws {
        try withTemporaryDirectory { root in
            let directory = root + "/directory"
            try Files.makeDirectory(directory + "/inner")
            try Files.write("", to: root + "/out")
            try Files.makeSymbolicLink(at: directory + "/up", to: "..")
            try Files.makeSymbolicLink(at: directory + "/absolute", to: root + "/out")
            let fault = #expect(throws: Fault.self) { try Files.reference(path, beneath: directory) }
            #expect(fault?.code == .denied)
        }
    }

    @Test func `directories are made below another, never through a link out of it`() throws {
        try withTemporaryDirectory { root in
            let directory = root + "/directory"
            try Files.makeDirectory(directory + "/there", mode: 0o700)
            try Files.makeSymbolicLink(at: directory + "/up", to: "..")
            try Files.makeDirectory("there/a/b", beneath: directory, mode: 0o2777)
            #expect(try Files.status(of: directory + "/there/a/b").mode == 0o2777)
            #expect(try Files.status(of: directory + "/there").mode == 0o700, "it was there")
            let fault = #expect(throws: Fault.self) {
                try Files.makeDirectory("up/made", beneath: directory, mode: 0o755)
            }
            #expect(fault?.code == .denied)
            #expect(!Files.exists(root + "/made"))
        }
    }
}
