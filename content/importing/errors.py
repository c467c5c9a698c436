"""What cannot be imported, said so that the person knows what to do instead."""

from __future__ import annotations

from kernel.errors import XuandaError


class CannotImport(XuandaError):
    """This cannot be imported. Nothing was saved."""

    zh = "无法导入。未保存任何内容。"
    status = 422


class NotFetched(CannotImport):
    """{address} could not be fetched: {why}. Check the address, or download the file and import it from disk."""

    zh = "没能读取 {address}：{why}。请核对地址，或下载文件后从本机导入。"


class NotAFeed(CannotImport):
    """This is no RSS or Atom feed ({why}). Give the address of the feed itself."""

    zh = "这不是 RSS 或 Atom 信息源（{why}）。请填写信息源本身的地址。"


class UnsafeFeed(CannotImport):
    """This feed declares entities or nests its parts as only attacks do. It was not read; ask its publisher."""

    zh = "此信息源含自定义实体或异常嵌套，属攻击常用手法，未读取。请联系发布单位提供规范的信息源。"


class TooLargeToImport(CannotImport):
    """{what} is larger than {limit}, too large to import. Split it or send a smaller one."""

    zh = "{what}超过 {limit}，无法导入。请拆分或缩小后再试。"


class NotADocument(CannotImport):
    """This is {what}, not a Word document (.docx). Open it in Word or WPS, save it as .docx and import that."""

    zh = "这是{what}，不是 Word 文档（.docx）。请用 Word 或 WPS 打开，另存为 .docx 后再导入。"


class EncryptedDocument(CannotImport):
    """The document is protected by a password. Remove the password in Word or WPS and import it again."""

    zh = "文档设有打开密码。请在 Word 或 WPS 中取消密码后再导入。"


class BrokenDocument(CannotImport):
    """The document is damaged ({why}). Open it in Word or WPS, save it again as .docx and import that."""

    zh = "文档已损坏（{why}）。请用 Word 或 WPS 打开并重新另存为 .docx 后再导入。"
