"""One entry (Ntry) of a CAMT.053 statement: gathered while it is read, then made into lines."""

from datetime import datetime

from onramp.statements import amounts, lines
from onramp.statements.lines import BadStatement, Kind, StatementLine

_DETAILS = "NtryDtls/TxDtls"
_FIELDS = {
    *("NtryRef", "Amt", "CdtDbtInd", "RvslInd", "Sts", "Sts/Cd", "BookgDt/Dt", "BookgDt/DtTm"),
    *("AcctSvcrRef", "BkTxCd/Prtry/Cd"),
}
_OF_DETAILS = {
    *("Refs/EndToEndId", "Refs/AcctSvcrRef", "Refs/TxId", "Amt", "AmtDtls/TxAmt/Amt"),
    *("CdtDbtInd", "RmtInf/Ustrd"),
}
_MANY = {"RmtInf/Ustrd"}  # Free text may come in several pieces; all others come once.
_NOT_GIVEN = "NOTPROVIDED"  # What the standard has banks write where there is nothing to say.
_Fields = dict[str, str]


class Booking:
    """What one entry says, by the path of each field; and the same of each payment in it."""

    def __init__(self) -> None:
        self._fields: _Fields = {}
        self._details: list[_Fields] = []

    def opens(self, path: list[str], attributes: dict[str, str]) -> None:
        """Hear of an element that begins; its currency stands in an attribute."""
        field = "/".join(path)
        if field == _DETAILS:
            self._details.append({})
        elif path[-1] == "Amt":
            self.closes(f"{field}@Ccy", attributes.get("Ccy", ""))

    def closes(self, field: str, text: str) -> None:
        """Hear what an element said."""
        inner = field.removeprefix(f"{_DETAILS}/")
        if inner != field:
            _put(self._details[-1], inner, text, _OF_DETAILS)
        else:
            _put(self._fields, field, text, _FIELDS)

    def lines(self, account: str) -> list[StatementLine]:
        """
        Return what it books: nothing while it is pending.

        :raises BadStatement: if a field is missing, or the payments of a batch do not add up.
        """
        said = self._fields
        if (said.get("Sts/Cd") or said.get("Sts")) != "BOOK":
            return []
        whole = self._line(account, self._details[0] if self._details else {}, said, "Amt")
        if len(self._details) < 2:
            return [whole]
        parts = [self._line(account, part, part, _amount_of(part)) for part in self._details]
        if sum(part.signed_minor for part in parts) != whole.signed_minor:
            raise BadStatement("has a batch whose payments do not add up to it")
        return parts

    def _line(self, account: str, details: _Fields, counted: _Fields, amount: str) -> StatementLine:
        said, reference = self._fields, details.get("Refs/EndToEndId", _NOT_GIVEN)
        free = details.get("RmtInf/Ustrd", "")
        currency = lines.currency(counted.get(f"{amount}@Ccy", ""))
        # A part of a batch has the batch's direction, unless it says another.
        is_credit = amounts.direction(counted.get("CdtDbtInd") or said.get("CdtDbtInd", ""))
        return StatementLine(
            bank=lines.bank(account),
            bank_reference=self._reference(details, is_part=counted is details),
            token=free if lines.is_token(free) else "",
            reference="" if reference == _NOT_GIVEN else lines.reference(reference),
            kind=_kind(said, is_credit=is_credit),
            is_credit=is_credit,
            amount_minor=lines.amount(amounts.minor(counted.get(amount, ""), currency)),
            currency=currency,
            booked_at=_booked_at(said),
        )

    def _reference(self, details: _Fields, *, is_part: bool) -> str:
        """Return the bank's own reference; the parts of a batch each have one."""
        own = details.get("Refs/AcctSvcrRef") or details.get("Refs/TxId")
        if is_part:
            return lines.reference(own or "")
        said = self._fields
        return lines.reference(said.get("AcctSvcrRef") or own or said.get("NtryRef", ""))


def _put(into: _Fields, field: str, text: str, known: set[str]) -> None:
    if field.removesuffix("@Ccy") not in known:
        return
    if field in into and field not in _MANY:
        raise BadStatement(f"has an entry that says {field} twice")
    if field not in into or lines.is_token(text):
        into[field] = text


def _amount_of(part: _Fields) -> str:
    return "Amt" if "Amt" in part else "AmtDtls/TxAmt/Amt"


def _kind(said: _Fields, *, is_credit: bool) -> Kind:
    if said.get("RvslInd") == "true":
        return Kind.RETURN
    own = said.get("BkTxCd/Prtry/Cd", "")
    if own in set(Kind):
        return Kind(own)
    return Kind.PAYMENT if is_credit else Kind.PAYOUT


def _booked_at(said: _Fields) -> datetime:
    if "BookgDt/DtTm" in said:
        return lines.instant(said["BookgDt/DtTm"])
    return lines.day(said.get("BookgDt/Dt", "")[:10])
