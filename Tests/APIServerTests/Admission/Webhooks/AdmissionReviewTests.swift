import APIMachinery
import Testing

@testable import APIServer

@Suite struct AdmissionReviewTests {
    private static func review(_ response: Value, apiVersion: String = "admission.k8s.io/v1") -> Value {
        ["kind": "AdmissionReview", "apiVersion": .string(apiVersion), "response": response]
    }

    @Test(arguments: [
        (["uid": "u", "allowed": true], nil),
        (["uid": "v", "allowed": true], "expected response.uid=\"u\", got \"v\""),
        (["uid": "u", "patch": "W10="], "webhook returned response.patch but not response.patchType"),
        (["uid": "u", "patchType": "JSONPatch"], "webhook returned response.patchType but not response.patch"),
        (["uid": "u", "patch": "W10=", "patchType": "X"], "unsupported patch type \"X\""),
        (["uid": "u", "patch": "%", "patchType": "JSONPatch"], "webhook returned a response.patch that is not Base64"),
    ] as [(Value, String?)])
    func `an answer of version 1 is read strictly`(_ response: Value, _ problem: String?) {
        let result = Result { () throws(AdmissionReview.Malformed) in
            try AdmissionReview.answer(Self.review(response), to: "u", .v1, .mutating)
        }
        switch result {
        case .success(let answer): #expect(problem == nil && answer.isAllowed)
        case .failure(let malformed): #expect(malformed.description == problem)
        }
    }

    @Test func `an answer of the first beta is read as it was then`() throws {
        let review = Self.review(["allowed": true, "patch": "W10="], apiVersion: "admission.k8s.io/v1beta1")
        #expect(try AdmissionReview.answer(review, to: "u", .v1beta1, .mutating).patch == Array("[]".utf8))
        #expect(throws: AdmissionReview.Malformed(description: "webhook response was absent")) {
            try AdmissionReview.answer(["kind": "AdmissionReview"], to: "u", .v1beta1, .mutating)
        }
        #expect(
            throws: AdmissionReview.Malformed(
                description: "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got "
                    + "admission.k8s.io/v1beta1, Kind=AdmissionReview")
        ) { try AdmissionReview.answer(Self.review(["uid": "u"], apiVersion: "admission.k8s.io/v1beta1"), to: "u", .v1, .mutating) }
        #expect(throws: AdmissionReview.Malformed(description: "validating webhook may not return response.patch")) {
            try AdmissionReview.answer(
                Self.review(["uid": "u", "patch": "W10=", "patchType": "JSONPatch"]), to: "u", .v1, .validating)
        }
    }

    @Test(arguments: [
        (nil, 400, "", "without explanation"),
        (["message": "no"], 400, "", ": no"), (["code": 200, "message": "no"], 400, "", ": no"),
        (["code": 409, "reason": "Conflict"], 409, "Conflict", ": Conflict"),
        (["code": 403, "reason": "Forbidden", "message": "m"], 403, "Forbidden", ": m"),
    ] as [(Value?, Int, String, String)])
    func `a denial keeps what the webhook says and is never a success`(
        _ told: Value?, _ code: Int, _ reason: String, _ ending: String
    ) {
        let status = AdmissionReview.denial(by: "x.y.z", told)
        let by = "admission webhook \"x.y.z\" denied the request"
        #expect(status.code == code)
        #expect(status.reason.description == reason)
        #expect(status.message == by + (ending.hasPrefix(":") ? ending : " " + ending))
    }

    @Test func `webhooks are asked by the names of their configurations, and as they stand`() {
        func configuration(_ name: String, _ webhooks: [String]) -> Value {
            ["metadata": ["name": .string(name)], "webhooks": .array(webhooks.map { ["name": .string($0)] })]
        }
        let webhooks = AdmissionWebhook.all(
            in: [configuration("b", ["z", "z"]), configuration("a", ["y", "x"])], .mutating)
        #expect(webhooks.map(\.id) == ["a/y/0", "a/x/0", "b/z/0", "b/z/1"])
    }

    @Test func `who wants it and came before a change is asked again, once`() {
        func webhook(_ name: String, _ policy: String) -> AdmissionWebhook {
            AdmissionWebhook(
                ["name": .string(name), "reinvocationPolicy": .string(policy)], .mutating, of: "c", number: 0)
        }
        let (a, b, c) = (webhook("a", "IfNeeded"), webhook("b", "Never"), webhook("c", "IfNeeded"))
        var rounds = Reinvocation()
        rounds.begin(with: 0)
        rounds.note(a, hasChanged: false)
        rounds.note(b, hasChanged: true)
        rounds.note(c, hasChanged: true)
        rounds.end(with: 1)
        #expect(rounds.isNeeded)
        rounds.beginSecondRound()
        rounds.begin(with: 1)
        #expect([a, b, c].map(rounds.asks) == [true, false, false])
        // The server's own plug-ins changed it after the last webhook: that one has not seen it either.
        rounds.begin(with: 2)
        #expect([a, b, c].map(rounds.asks) == [true, false, true])
    }
}
