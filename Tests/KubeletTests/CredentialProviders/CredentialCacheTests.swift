import APIMachinery
import Support
import Testing

@testable import Kubelet

@Suite struct CredentialCacheTests {
    private static let version = "credentialprovider.kubelet.k8s.io/v1"
    private let start = Timestamp(seconds: 1000)

    private static func answer(_ more: String = "", version: String = version) throws(Fault) -> CredentialAnswer {
        let text = #"{"kind":"CredentialProviderResponse","apiVersion":"\#(Self.version)",\#(more)"auth":"#
            + #"{"r.io":{"username":"u","password":"p"}}}"#
        return try CredentialAnswer(json: Array(text.utf8), version: version)
    }

    @Test(arguments: [("Image", 1), ("Registry", 2), ("Global", 3)])
    func `an answer is good for as much as it says`(_ kind: String, _ count: Int) throws {
        var cache = CredentialCache()
        let answer = try Self.answer(#""cacheKeyType":"\#(kind)","#)
        cache.add(answer, for: "r.io/a", nil, otherwise: .seconds(10), now: start)
        let found = ["r.io/a", "r.io/b", "s.io/a"].filter { cache.find($0, nil, now: start) == answer.logins }
        #expect(found.count == count)
    }

    @Test func `an answer is good for as long as it says, else for the time of the plug-in`() throws {
        func lasts(_ text: String, otherwise: Duration, after seconds: Int64) throws -> Bool {
            var cache = CredentialCache()
            let answer = try Self.answer(#""cacheKeyType":"Image",\#(text)"#)
            cache.add(answer, for: "r.io/a", nil, otherwise: otherwise, now: start)
            return cache.find("r.io/a", nil, now: start + .seconds(seconds)) != nil
        }
        #expect(try lasts(#""cacheDuration":"1m","#, otherwise: .zero, after: 60))
        #expect(try !lasts(#""cacheDuration":"1m","#, otherwise: .seconds(90), after: 61))
        #expect(try !lasts(#""cacheDuration":"0s","#, otherwise: .seconds(90), after: 0))
        #expect(try lasts(#""cacheDuration":null,"#, otherwise: .seconds(90), after: 90))
        #expect(try !lasts("", otherwise: .zero, after: 0))
    }

    @Test func `what one service account was given is no other's, and what is over is dropped`() throws {
        let account = PulledRecord.Account(uid: "1", namespace: "ns", name: "a")
        var (owner, cache) = (CredentialCache.Owner(account: account, annotations: ["k": "v"]), CredentialCache())
        cache.add(
            try Self.answer(#""cacheKeyType":"Global","#), for: "r.io/a", owner, otherwise: .seconds(10), now: start)
        #expect(cache.find("r.io/a", owner, now: start) != nil && cache.find("r.io/a", nil, now: start) == nil)
        owner.annotations["k"] = "w"
        #expect(cache.find("r.io/a", owner, now: start) == nil)
        let later = start + .seconds(11)
        cache.add(try Self.answer(#""cacheKeyType":"Image","#), for: "r.io/b", nil, otherwise: .seconds(10), now: later)
        #expect(cache.count == 1)
    }

    @Test func `an answer in another form is none, and is not shown`() {
        for more in ["", #""cacheKeyType":"Some","#, #""cacheKeyType":"Image","cacheDuration":"soon","#] {
            let fault = #expect(throws: Fault.self) { try Self.answer(more) }
            #expect(fault?.summary.contains("\"p\"") == false)
        }
        let fault = #expect(throws: Fault.self) { try Self.answer(#""cacheKeyType":"Image","#, version: "v0") }
        #expect(
            fault?.summary == "apiVersion from credential plugin response did not match expected apiVersion:v0, "
                + "actual apiVersion:\(Self.version)")
        #expect(throws: Fault.self) { try CredentialAnswer(json: Array("secret".utf8), version: Self.version) }
    }

    @Test func `a plug-in reads what Kubernetes writes`() throws {
        let plain = CredentialAnswer.request("r.io/a", version: Self.version, token: nil, annotations: [:])
        let asked: Value = [
            "kind": "CredentialProviderRequest", "apiVersion": .string(Self.version), "image": "r.io/a",
        ]
        #expect(try Value(json: plain) == asked)
        let told = try Value(
            json: CredentialAnswer.request("r.io/a", version: Self.version, token: "t", annotations: ["b": "2", "a": "1"]))
        #expect(told["serviceAccountToken"] == "t" && told["serviceAccountAnnotations"] == ["a": "1", "b": "2"])
    }
}
