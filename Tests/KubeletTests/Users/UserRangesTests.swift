import APIMachinery
import Support
import Testing

@testable import Kubelet

@Suite struct UserRangesTests {
    private static func ranges(_ first: UInt32, _ length: UInt32, pods: Int = 1) throws(Fault) -> UserRanges {
        try UserRanges(UserRanges.Range(first: first, length: length), perPod: 65_536, pods: pods)
    }

    @Test func `each pod has ids that no other has`() throws {
        var ranges = try Self.ranges(131_072, 196_608, pods: 3)
        let given = try ["a", "b", "c"].map { try ranges.give($0) }
        #expect(given.map(\.first) == [131_072, 196_608, 262_144] && given.allSatisfy { $0.length == 65_536 })
        #expect(try ranges.give("b") == given[1])
        let fault = #expect(throws: Fault.self) { try ranges.give("d") }
        #expect(fault?.code == .full && fault?.summary == "could not find an empty slot to allocate a user namespace")
        ranges.release("b")
        ranges.release("x")
        #expect(ranges.range(of: "b") == nil)
        #expect(try ranges.give("d") == given[1])
    }

    @Test func `all of the machine is there but its own`() throws {
        var ranges = try UserRanges(nil, perPod: 131_072, pods: 110)
        #expect(try ranges.give("a") == UserRanges.Range(first: 131_072, length: 131_072))
        // The last id is none, so that the run that has it is not given.
        try ranges.note("b", UserRanges.Range(first: 4_294_705_152, length: 131_072))
        #expect(throws: Fault.self) { try ranges.note("c", UserRanges.Range(first: 4_294_836_224, length: 131_072)) }
    }

    @Test func `what pods have since before is theirs`() throws {
        var ranges = try Self.ranges(65_536, 196_608)
        try ranges.note("a", UserRanges.Range(first: 65_536, length: 65_536))
        try ranges.note("a", UserRanges.Range(first: 65_536, length: 65_536))
        #expect(try ranges.give("b").first == 131_072)
        for (pod, first, length, words) in [
            ("c", 65_536, 65_536, "range picked for pod \"c\" already taken"),
            ("a", 196_608, 65_536, "different user namespace range already used by pod \"a\""),
            ("c", 262_144, 65_536, "id 262144 is out of range"), ("c", 0, 65_536, "id 0 is out of range"),
            ("c", 65_537, 65_536, "wrong user namespace offset specified 65537"),
            ("c", 65_536, 1, "wrong user namespace length 1"),
        ] as [(String, UInt32, UInt32, String)] {
            let fault = #expect(throws: Fault.self) { try ranges.note(pod, UserRanges.Range(first: first, length: length)) }
            #expect(fault?.summary == words)
        }
    }

    @Test(arguments: [
        (1, 65_536, 65_536, "ID 1 is not a multiple of 65536"), (0, 65_536, 65_536, "ID 0 must be greater or equal to 65536"),
        (65_536, 65_537, 65_536, "IDs length 65537 is not a multiple of 65536"),
        (65_536, 65_536, 65_536, "IDs are not enough to support 2 pods"),
        (4_294_901_760, 131_072, 65_536, "more than there are"), (65_536, 131_072, 100, "length 100 is not a multiple"),
        (65_536, 131_072, 0, "length 0 is not a multiple"),
    ] as [(UInt32, UInt32, UInt32, String)])
    func `ids that cannot be given are refused`(first: UInt32, length: UInt32, perPod: UInt32, words: String) {
        let fault = #expect(throws: Fault.self) {
            try UserRanges(UserRanges.Range(first: first, length: length), perPod: perPod, pods: 2)
        }
        #expect(fault?.code == .invalid && fault?.summary.contains(words) == true)
    }

    @Test func `the administrator may set some aside`() throws {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nkubelet:x:998:998::/:/usr/sbin/nologin\n"
        func range(_ passwd: String, _ users: String, _ groups: String) throws(Fault) -> UserRanges.Range? {
            try SubordinateIDs.range(passwd: passwd, subuid: users, subgid: groups)
        }
        let ids = "me:1:2\nkubelet:65536:7208960\n"
        #expect(try range(passwd, ids, ids) == UserRanges.Range(first: 65_536, length: 7_208_960))
        #expect(try range(passwd, "998:65536:131072", ids.replacing("7208960", with: "131072"))?.length == 131_072)
        #expect(try range("root:x:0:0::/:/bin/sh", ids, ids) == nil)
        #expect(try range(passwd, "me:1:2", "") == nil)
        for (users, groups, words) in [
            (ids, "", "mismatched subuids and subgids for user \"kubelet\""), (ids + ids, ids + ids, "and has 2"),
            ("kubelet:a:1", ids, "the subuids of the user kubelet are not readable"),
            ("kubelet:1", ids, "the subuids of the user kubelet are not readable"),
        ] {
            let fault = #expect(throws: Fault.self) { try range(passwd, users, groups) }
            #expect(fault?.code == .invalid && fault?.summary.contains(words) == true)
        }
    }

    @Test func `the file of a pod is that of Kubernetes`() throws {
        let range = UserRanges.Range(first: 131_072, length: 65_536)
        let text = #"{"uidMappings":[{"hostId":131072,"containerId":0,"length":65536}],"#
            + #""gidMappings":[{"hostId":131072,"containerId":0,"length":65536}]}"#
        #expect(try Value(json: UserKeeper.json(range)) == Value(json: text))
        #expect(UserKeeper.range(Array(text.utf8)) == range)
        for (old, new) in [
            ("131072", "-1"), ("\"containerId\":0", "\"containerId\":1"), ("gidMappings", "others"), ("{", ""),
        ] {
            #expect(UserKeeper.range(Array(text.replacing(old, with: new).utf8)) == nil)
        }
    }
}
