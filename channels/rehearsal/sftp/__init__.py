"""The stand-in for a site platform's SFTP server (集约化平台的收件目录)."""
